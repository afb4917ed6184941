// A minimal agency: sends its bets, closes, and prints the documents of its winners.
//
// Usage: go run examples/agency.go HOST:PORT AGENCY
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// First name, last name, document, birthdate, number. Their order never changes: progress is a place in it.
var bets = []string{
	"Juan;Pérez;12345678;1980-01-01;1234",
	"María;Gómez;87654321;1999-10-25;7574",
	"Li;O'Neil, Jr.;A-77;2001-12-31;7574",
}

const batchBets, answerTimeout = 2, 10 * time.Second

// A connection of an agency. After its first error it does nothing more.
type session struct {
	net.Conn
	lines  *bufio.Reader
	agency string
	err    error
}

// ask sends packets and returns the content of their one answer. Without a timeout it waits for ever.
func (s *session) ask(packets, answer string, timeout time.Duration) (content string) {
	deadline := time.Time{}
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	s.SetDeadline(deadline)
	if s.err == nil {
		_, s.err = fmt.Fprint(s, packets)
	}
	if s.err == nil {
		content, s.err = s.lines.ReadString('\n')
	}
	if s.err == nil && !strings.HasPrefix(content, answer) {
		s.err = fmt.Errorf("received %q instead of %s", content, answer)
	}
	return strings.TrimSuffix(strings.TrimPrefix(content, answer), "\n")
}

// progress sends the packets before, and returns how many bets of the agency are stored.
func (s *session) progress(before string) int {
	request := before + "ProgressRequest:" + s.agency + "\n"
	stored, err := strconv.Atoi(s.ask(request, "ProgressResponse:", answerTimeout))
	if s.err == nil {
		s.err = err
	}
	return stored
}

// run does the whole work of the agency, and returns the documents of its winners.
func (s *session) run() string {
	stored := s.progress("")
	for s.err == nil && stored < len(bets) {
		end := stored + batchBets
		if end > len(bets) {
			end = len(bets)
		}
		packet := "StoreBatch:" + s.agency + ";" + strings.Join(bets[stored:end], ":") + "\n"
		if s.ask(packet, "StoreResponse:", answerTimeout) == "0" {
			stored = end
			continue
		}
		refused := stored
		if stored = s.progress(""); s.err == nil && stored == refused {
			log.Fatalf("the servers refuse bets %d to %d", stored+1, end)
		}
	}
	if stored > len(bets) {
		log.Fatalf("the servers have %d bets of agency %s: somebody else sends for it", stored, s.agency)
	}
	// AgencyClose has no answer; the answer to ProgressRequest arrives after the close is stored.
	s.progress("AgencyClose:" + s.agency + "\n")
	return s.ask("WinnersRequest:"+s.agency+"\n", "WinnersResponse:", 0)
}

func main() {
	for {
		connection, err := net.DialTimeout("tcp", os.Args[1], answerTimeout)
		if err == nil {
			s := session{connection, bufio.NewReader(connection), os.Args[2], nil}
			documents := s.run()
			connection.Close()
			if err = s.err; err == nil {
				fmt.Println("winners:", documents)
				return
			}
		}
		log.Print("trying again: ", err)
		time.Sleep(500 * time.Millisecond)
	}
}
