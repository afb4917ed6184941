/** What `--help` of the board prints. */
export const BOARD_USAGE = `lottery-board: shows a lottery in the browser.

Usage: ./denow run -A board/main.ts [--help] [--version]

The board asks all servers for their status twice a second, and serves one page that shows the agencies, the
servers and the draw. \`./denow task up\` starts one. It takes no arguments; its settings are in the environment.
docs/board.md lists all of them; the most common are:
  BOARD_SERVERS    status ports of the servers: HOST:PORT, separated by commas; every address of a host is asked
  BOARD_PORT       port of the page [8080]; 0 takes any free one
  BOARD_IP         address of the page [127.0.0.1]
  BOARD_DOCUMENTS  masked, or full to show the winners' documents [masked]
  BOARD_LANGUAGE   auto, en or es [auto: the language of each visitor's browser]
  BOARD_DRAWS      folder of the records of draws [server/shared-volume/draws]

Example:
  BOARD_SERVERS=127.0.0.1:12346 ./denow run -A board/main.ts

Exit codes: 0 stopped by a signal; 1 it could not start, or a second signal; 2 wrong usage or settings.`;
