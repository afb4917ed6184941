/**
 * What a server has to know to reach its cluster. docs/settings.md explains each setting.
 *
 * @module
 */

/** The settings of a ledger on NATS JetStream. */
export interface NatsSettings {
  /** `host:port` of each node. */
  nodes: readonly string[];
  /** Whether connections are encrypted. */
  isTls: boolean;
  /** LEDGER_NAME. All names of streams and subjects begin with it. */
  name: string;
  /** LEDGER_PARTITIONS, for a draw that begins. */
  partitions: number;
  /** LEDGER_REPLICAS. */
  replicas: number;
  /** Empty if no user is needed. */
  user: string;
  password: string;
  /** Path of the seed of an nkey; empty if there is none. */
  nkeyFile: string;
  /** Path of a credentials file; empty if there is none. */
  credentialsFile: string;
  /** Paths of certificates and a key in PEM; empty for the system's authorities and no certificate. */
  tls: { caFile: string; certFile: string; keyFile: string; isFirst: boolean };
}
