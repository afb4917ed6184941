/** What `--help` prints. */
export const USAGE = `lottery-client: one agency of the national lottery.

Usage: lottery-client [COMMAND] [FLAGS]

Without a command, the client does an agency's whole work: it sends the bets of the agency's file that are not
stored yet, closes the agency, waits for the draw and prints the winners. You may stop it and start it again at
any time: no bet is lost or stored twice.

Commands:
  bet        sends one bet: --nombre Ana --apellido Gil --documento 30123456 --nacimiento 1990-12-31
             --numero 7574, or NOMBRE, APELLIDO, DOCUMENTO, NACIMIENTO and NUMERO in the environment
  close      closes the agency
  winners    waits for the draw and prints the winners
  progress   prints how many bets of the agency are stored

Settings come from flags, then the environment, then the file (under the name given), then the default.
  --id N             CLI_ID               id               the agency's number, required
  --address H:P      CLI_SERVER_ADDRESS   server.address   the servers' name and port, required
                     CLI_SERVER_TLS       server.tls       true if the servers speak TLS [false]
                     CLI_SERVER_CA        server.ca        file with the certificate of their authority
                     CLI_SERVER_NAME      server.name      name in their certificate [that of the address]
                     CLI_KEY_FILE         key_file         file with the agency's key, where agencies have keys
  --data PATH        CLI_DATA             data             file of bets, or folder of agency-N.csv [data]
  --batch-size N     CLI_BATCH_SIZE       batch_size       most bets in a packet [100]
  --log-level L      CLI_LOG_LEVEL        log.level        debug, info, warn, error or fatal [info]
  --log-format F     CLI_LOG_FORMAT       log.format       text or json [LOG_FORMAT in the environment, or text]
                     CLI_BATCH_BYTES_MAX  batch_bytes_max  longest packet, in bytes [8192]
                     CLI_ANSWER_SECONDS   answer_seconds   longest wait for an answer [10]
                     CLI_RETRY_SECONDS    retry_seconds    give up after nothing has worked for this long [60]
                     CLI_WINNERS_SECONDS  winners_seconds  ask again for winners after this long [60]
  --legacy-server    CLI_LEGACY_SERVER    legacy_server    the servers do not know ProgressRequest: if they close
                                                           the connection on it, send from the first bet on,
                                                           one packet per connection; true or false [false]
  --config FILE      CLI_CONFIG                            the file [config.yaml, or client/config.yaml]
  --result FILE      CLI_RESULT                            where to write the result as JSON, at the end [nowhere]
  --help, --version

Examples:
  lottery-client --id 1 --address server:12345 --data data
  lottery-client winners --id 1 --address server:12345
  CLI_ID=1 CLI_LOG_LEVEL=debug lottery-client

The result is {"agency", "sent", "stored", "winners", "exitCode", "reason"}, null for what is not known.

A file of bets is CSV: first name, last name, document, birthdate YYYY-MM-DD, number 0 to 9999. The whole file
is checked before any bet is sent.

Exit codes: 0 done; 1 unexpected failure; 2 wrong usage or settings; 3 invalid bets (file and line are named);
4 refused by the servers, or they hold other bets than the file; 5 servers unreachable or silent; 130, 143 stopped by a signal: start it again to resume.`;
