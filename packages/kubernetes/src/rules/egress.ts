import { isAllowed } from '../endpoints/allowed.ts';
import { contactsOf } from '../endpoints/contacts.ts';
import type { Rule } from './rule.ts';

export const egressRules: readonly Rule[] = [
  {
    id: 'egress-not-allowed',
    severity: 'warning',
    wants: 'Every host that Skerry and the cluster contact is one that "egress.allow" lists.',
    reason: 'the list is there to say where packets may go, and this one goes elsewhere',
    fix: 'add it to "egress.allow", or name a mirror that is allowed; all of them: bootstrap endpoints INVENTORY',
    source: 'docs/endpoints.md',
    needs: 'inventory',
    *check({ inventory, kubernetes }) {
      if (kubernetes.egress === undefined) return;
      const { allow } = kubernetes.egress;
      const bundle = inventory.bundle !== undefined || inventory.lab?.bundle !== undefined;
      const told = new Set<string>();
      for (const contact of contactsOf(inventory, { bundle }).contacts) {
        const { host, port, protocol, reason } = contact;
        if (told.has(host) || isAllowed(contact, allow)) continue;
        told.add(host);
        yield {
          what: `${host} is contacted and not allowed (${reason}, ${protocol}${port === 0 ? '' : ` ${port}`})`,
          at: contact.at ?? 'egress.allow',
        };
      }
    },
  },
];
