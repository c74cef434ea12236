// Command probe is the one program of our own that runs in a cluster: pods of `bootstrap verify` serve
// and dial with it, so that what is looked at is the way of real packets. Standard library only.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Exit statuses of dial, dns and mtu. each exits with exitAnswered when all its tasks were carried
// out, whatever they found: that stands in their lines.
const (
	exitAnswered = 0
	exitUsage    = 2
	exitRefused  = 3
	exitTimeout  = 4
	exitOther    = 5
	exitSmaller  = 6
)

const usage = `usage:
  probe serve [--http :8080] [--echo :8081]
  probe dial http|tcp HOST:PORT [--timeout 2s] [--source ADDRESS]
  probe dns NAME --server ADDRESS [--port 53] [--proto udp|tcp] [--timeout 2s]
  probe mtu HOST:PORT [--size BYTES] [--timeout 1s] [--source ADDRESS]
  probe each TASK [-- TASK]...      dial, dns, mtu at the same time, a line for each, in order
  probe get URL                     the body of an answer, for what listens on loopback only

dial, dns and mtu print a line of JSON with "result": answered, refused, timeout, error; mtu also
"smaller". With --within 10s they are tried again for so long, until they are answered.
Exit: 0 answered, 2 usage, 3 refused, 4 timeout, 5 any other error, 6 smaller.
`

// report is the line that a task prints.
type report interface{ exit() int }

// Between two tries of a task that has to be answered --within some time.
const pause = 250 * time.Millisecond

// task runs one of dial, dns, mtu, again and again where it says --within; an error is one of usage.
func task(words []string) (report, error) {
	at := slices.Index(words, "--within")
	if at < 0 {
		return once(words)
	}
	if at+1 == len(words) {
		return nil, fmt.Errorf("--within needs a time")
	}
	within, err := time.ParseDuration(words[at+1])
	if err != nil {
		return nil, fmt.Errorf("--within: %w", err)
	}
	words = slices.Delete(slices.Clone(words), at, at+2)
	for end := time.Now().Add(within); ; time.Sleep(pause) {
		line, err := once(words)
		if err != nil || answered(line) || time.Now().Add(pause).After(end) {
			return line, err
		}
	}
}

// answered is also true of a path that is too narrow: trying again only asks what the kernel has learnt.
func answered(line report) bool { return line.exit() == exitAnswered || line.exit() == exitSmaller }

func once(words []string) (report, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("a task is missing")
	}
	switch words[0] {
	case "dial":
		return dial(words[1:])
	case "dns":
		return resolve(words[1:])
	case "mtu":
		return measure(words[1:])
	}
	return nil, fmt.Errorf("there is no task %q", words[0])
}

// each runs tasks separated by "--" at the same time.
func each(words []string, out io.Writer) error {
	tasks := [][]string{nil}
	for _, word := range words {
		if word == "--" {
			tasks = append(tasks, nil)
		} else {
			tasks[len(tasks)-1] = append(tasks[len(tasks)-1], word)
		}
	}
	reports, errs := make([]report, len(tasks)), make([]error, len(tasks))
	var wait sync.WaitGroup
	for i, words := range tasks {
		wait.Go(func() { reports[i], errs[i] = task(words) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	for _, line := range reports {
		if err := print(line, out); err != nil {
			return err
		}
	}
	return nil
}

func print(line report, out io.Writer) error { return json.NewEncoder(out).Encode(line) }

func run(words []string, out, complain io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintf(complain, "probe: %v\n%s", err, usage)
		return exitUsage
	}
	if len(words) == 0 {
		return fail(fmt.Errorf("say what to do"))
	}
	switch words[0] {
	case "serve":
		if err := serve(words[1:], out); err != nil {
			fmt.Fprintf(complain, "probe: %v\n", err)
			return exitOther
		}
		return exitAnswered
	case "get":
		if len(words) != 2 {
			return fail(fmt.Errorf("get takes a URL"))
		}
		if err := get(words[1], out); err != nil {
			fmt.Fprintf(complain, "probe: %v\n", err)
			return exitOther
		}
		return exitAnswered
	case "each":
		if err := each(words[1:], out); err != nil {
			return fail(err)
		}
		return exitAnswered
	}
	line, err := task(words)
	if err != nil {
		return fail(err)
	}
	if err := print(line, out); err != nil {
		fmt.Fprintf(complain, "probe: %v\n", err)
		return exitOther
	}
	return line.exit()
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
