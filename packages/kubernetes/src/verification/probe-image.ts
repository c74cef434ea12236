/** The image of the probe pods, from images/probe; it is in the bundle and in no registry. */
export const probeImage = 'skerry.dev/probe:1.0.0';

/** Everything that verify makes lies in it, and goes with it. */
export const probeNamespace = 'skerry-verify';

/** Ports of `probe serve`: HTTP, and the echo of TCP and UDP. */
export const probePorts = { http: 8080, echo: 8081 } as const;
