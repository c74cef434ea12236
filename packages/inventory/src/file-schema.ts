import { z } from 'zod';
import { clusterName, roleName, secretReference } from './formats.ts';
import { kubernetesSettings } from './kubernetes/settings.ts';
import { connectionSettings, labSettings, nodeSettings } from './schema.ts';

const vars = z
  .record(z.string(), z.unknown())
  .describe('Values of your own, for templates and runbooks; maps merge, lists replace');
const secrets = z
  .record(z.string(), secretReference)
  .describe('Names of secrets, each with a reference: env:NAME, file:PATH or command:COMMAND');

/** What may stand on every level. A key without a value is as good as no key. */
const level = {
  vars: vars.nullish(),
  secrets: secrets.nullish(),
  node: nodeSettings.nullish(),
  connection: connectionSettings.nullish(),
};

const roles = z
  .array(roleName)
  .nullish()
  .describe('Roles of these hosts; a host has the roles of all its groups and its own');

const hostBody = z
  .strictObject({
    address: z
      .string()
      .optional()
      .describe('IPv4, IPv6 or a name; with a range in the host name, a range of the same length'),
    roles,
    ...level,
  })
  .meta({ id: 'host', description: 'A host, or with a range in its name many' });

const groupBody = z
  .strictObject({
    roles,
    ...level,
    hosts: z
      .union([z.record(z.string(), hostBody.nullable()), z.array(z.string())])
      .nullish()
      .describe(
        'Hosts by name; ranges as in node-[01:20]. A name without settings is a host of another group',
      ),
    get children(): z.ZodType {
      return z
        .union([z.record(z.string(), groupBody.nullable()), z.array(z.string())])
        .nullish()
        .describe('Groups in this group. A name without settings is a group from elsewhere');
    },
  })
  .meta({ id: 'group', description: 'Hosts that have something in common' });

/** A whole inventory file, as the user writes it. */
export const inventoryFile = z
  .strictObject({
    cluster: z
      .strictObject({ name: clusterName, ...level })
      .describe('The cluster, and what holds for every host of it'),
    groups: z
      .record(z.string(), groupBody.nullable())
      .nullish()
      .describe('Groups of hosts by name; the group "all" is there without being written'),
    kubernetes: kubernetesSettings.nullish(),
    bundle: z
      .string()
      .min(1)
      .nullish()
      .describe(
        'The folder of the bundle that programs, images and add-ons come from; relative to the folder of this file',
      ),
    lab: labSettings.nullish(),
  })
  .meta({
    title: 'Skerry inventory',
    description: 'One cluster: its hosts and what they are to be',
  });
