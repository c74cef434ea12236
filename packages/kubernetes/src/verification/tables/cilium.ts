import { z } from 'zod';
import { endpointText } from '../cluster-view.ts';
import { frontend, TableBuilder, type ServiceTable } from './table.ts';

/** Service of Cilium's API (api/v1/models), as `cilium-dbg service list -o json` prints a list of them. */
const services = z.array(
  z.object({
    status: z.object({
      realized: z.object({
        'frontend-address': z.object({
          ip: z.string(),
          port: z.int().default(0),
          protocol: z.string().default('TCP'),
          scope: z.string().optional(),
        }),
        'backend-addresses': z
          .array(
            z.object({
              ip: z.string(),
              port: z.int().default(0),
              state: z.string().default('active'),
            }),
          )
          .nullish(),
      }),
    }),
  }),
);

/** What the agent has put into its BPF maps. */
export function parseCiliumServices(text: string): ServiceTable {
  const table = new TableBuilder();
  for (const { status } of services.parse(JSON.parse(text))) {
    const { ip, port, protocol } = status.realized['frontend-address'];
    const backends = (status.realized['backend-addresses'] ?? []).filter(
      ({ state }) => state === 'active',
    );
    // Releases before 1.17 say ANY or NONE where all protocols were meant: then TCP stands for it.
    const name = /^(tcp|udp|sctp)$/i.test(protocol) ? protocol.toLowerCase() : 'tcp';
    table.add(
      frontend(name, endpointText(ip, port)),
      backends.map((one) => endpointText(one.ip, one.port)),
    );
  }
  return table.table;
}
