import type { Component } from '../component.ts';
import { cniPlugins } from './cni-plugins.ts';
import { coredns } from './coredns.ts';
import { etcd } from './etcd.ts';
import { helm } from './helm.ts';
import { kubernetes } from './kubernetes.ts';
import { metallb } from './metallb.ts';
import { pause } from './pause.ts';

/** All components by name, in the order of building. */
export const catalogue: Readonly<Record<string, Component>> = Object.fromEntries(
  [pause, etcd, cniPlugins, coredns, kubernetes, helm, metallb].map((each) => [each.name, each]),
);
