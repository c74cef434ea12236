import type { Component } from '../component.ts';
import { cilium } from './cilium.ts';
import { cniPlugins } from './cni-plugins.ts';
import { coredns } from './coredns.ts';
import { etcd } from './etcd.ts';
import { flannel } from './flannel.ts';
import { helm } from './helm.ts';
import { kubernetes } from './kubernetes.ts';
import { metallb } from './metallb.ts';
import { pause } from './pause.ts';
import { probe } from './probe.ts';

/** All components by name, in the order of building. */
export const catalogue: Readonly<Record<string, Component>> = Object.fromEntries(
  [pause, probe, etcd, cniPlugins, coredns, kubernetes, helm, metallb, flannel, cilium].map(
    (each) => [each.name, each],
  ),
);
