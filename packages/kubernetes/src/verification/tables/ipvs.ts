import ipaddr from 'ipaddr.js';
import { endpointText } from '../cluster-view.ts';
import { frontend, TableBuilder, type ServiceTable } from './table.ts';

/** `0A600001:01BB`, `[fd00:…:0001]:01BB`: as the kernel writes it (net/netfilter/ipvs/ip_vs_ctl.c). */
function endpointOf(text: string): string | undefined {
  const four = /^([0-9A-F]{8}):([0-9A-F]{4})$/i.exec(text);
  if (four !== null) {
    const bytes = [...Buffer.from(four[1] ?? '', 'hex')];
    return endpointText(bytes.join('.'), Number.parseInt(four[2] ?? '', 16));
  }
  const six = /^\[([0-9a-f:]+)\]:([0-9A-F]{4})$/i.exec(text);
  if (six === null || !ipaddr.IPv6.isValid(six[1] ?? '')) return undefined;
  return endpointText(ipaddr.parse(six[1] ?? '').toString(), Number.parseInt(six[2] ?? '', 16));
}

/** Reads /proc/net/ip_vs. A destination with weight 0 is on its way out: it gets no new connections. */
export function parseIpvs(text: string): ServiceTable {
  const table = new TableBuilder();
  let service = '';
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [first = '', second = ''] = words;
    if (first === 'TCP' || first === 'UDP' || first === 'SCTP') {
      const endpoint = endpointOf(second);
      service = endpoint === undefined ? '' : frontend(first.toLowerCase(), endpoint);
      if (service !== '') table.add(service);
    } else if (first === '->' && service !== '') {
      const endpoint = endpointOf(second);
      if (endpoint !== undefined && words[3] !== '0') table.add(service, [endpoint]);
    }
  }
  return table.table;
}
