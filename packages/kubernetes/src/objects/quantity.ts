/** What a suffix of a quantity stands for: a factor, or what it is divided by (Kubernetes API, "Quantity"). */
const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const divisors: Readonly<Record<string, number>> = { n: 1e9, u: 1e6, m: 1e3 };

/** `1024Mi` and `1Gi`, `0.1` and `100m`, `2` and 2. false also where one of them is no quantity. */
export function isSameQuantity(one: unknown, other: unknown): boolean {
  const value = valueOf(one);
  return value !== undefined && value === valueOf(other);
}

function valueOf(quantity: unknown): number | undefined {
  if (typeof quantity === 'number') return quantity;
  if (typeof quantity !== 'string') return undefined;
  const [, number = '', suffix = ''] = /^([+-]?[0-9]*\.?[0-9]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  if (number === '') return undefined;
  const divisor = divisors[suffix];
  if (divisor !== undefined) return Number(number) / divisor;
  const factor = factors[suffix];
  return factor === undefined ? undefined : Number(number) * factor;
}
