import { SecretBook } from '@skerry/executor';
import type { Host } from '@skerry/inventory';

/**
 * For commands that resolve no secrets: those that stand in the environment anyway are concealed.
 * Values of fewer than eight characters are words that occur everywhere.
 */
export function environmentSecrets(hosts: readonly Host[]): SecretBook {
  const secrets = new SecretBook();
  for (const token of new Set(hosts.flatMap((host) => Object.values(host.secrets)))) {
    const value = process.env[/^⟦secret:env:(.+)⟧$/.exec(token)?.[1] ?? ''];
    if (value !== undefined && value.length >= 8) secrets.add(token, value);
  }
  return secrets;
}
