/** What `--help` of the server prints. */
export const SERVER_USAGE = `lottery-server: one server of the national lottery.

Usage: ./denow run -A server/main.ts [--help] [--version]

The server takes the bets of agencies over TCP, stores them on a volume that several servers may share or on
the nodes of a NATS cluster, and answers with the winners once every agency has closed. It runs until a signal stops it.

It takes no arguments. Each setting comes from the environment, else from server/config.ini, else it has a
default. docs/settings.md lists all of them; the most common are:
  SERVER_PORT            TCP port [12345]; 0 takes any free one
  AGENCIES_AMOUNT        number of agencies; the draw waits for all of them [5]
  LOTTERY_WINNER_NUMBER  the winning number [7574]
  SHARED_VOLUME          folder of the bets [server/shared-volume]
  LEDGER                 files (on SHARED_VOLUME), or nodes such as nats://host1,host2,host3 [files]
  LOGGING_LEVEL          NOTSET, DEBUG, INFO, WARNING, ERROR or CRITICAL [INFO]
  LOG_FORMAT             text, or json for one JSON object a line [text]
  STATUS_PORT            port of its health checks, its status and its metrics [none]
  SERVER_TLS_CERT        file with the certificate of the port, if it is to speak TLS [none]
  SERVER_TLS_KEY         file with its private key
  AGENCY_KEYS            file with the keys of agencies, if only they are to be admitted [none]
  SERVER_CONFIG          path of the file [server/config.ini]

Example:
  SERVER_PORT=12345 SHARED_VOLUME=/tmp/lottery ./denow run -A server/main.ts

Signals: SIGTERM and SIGINT stop the server after it has answered the current packets; a second one ends it at
once.

Exit codes: 0 stopped by a signal; 1 it could not start, the ledger failed, or a second signal; 2 wrong usage or
settings.`;

/** What `--help` of the health check prints. */
export const HEALTH_USAGE = `lottery-health: checks whether the server on this host answers.

Usage: ./denow run -A server/health.ts [--help] [--version]

It asks the server for the progress of an agency and waits two seconds for the answer. It takes no arguments, and
reads the settings of the server: from the environment, else from server/config.ini.

Exit codes: 0 the server answers; 1 it does not; 2 wrong usage or settings.`;
