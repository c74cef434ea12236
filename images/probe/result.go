package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// outcome is what every task tells.
type outcome struct {
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
	// Of the answer, or until it was given up.
	Milliseconds float64 `json:"milliseconds"`
}

func (o outcome) exit() int {
	switch o.Result {
	case "answered":
		return exitAnswered
	case "refused":
		return exitRefused
	case "timeout":
		return exitTimeout
	case "smaller":
		return exitSmaller
	}
	return exitOther
}

func outcomeOf(err error, since time.Time) outcome {
	o := outcome{Result: "answered", Milliseconds: float64(time.Since(since).Microseconds()) / 1000}
	if err == nil {
		return o
	}
	o.Error = err.Error()
	var failed net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		o.Result = "refused"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &failed) && failed.Timeout():
		o.Result = "timeout"
	default:
		o.Result = "error"
	}
	return o
}

// options parses flags that may stand before, between and after the words, and gives the words.
func options(flags *flag.FlagSet, arguments []string, count int) ([]string, error) {
	flags.SetOutput(io.Discard)
	var words []string
	for {
		if err := flags.Parse(arguments); err != nil {
			return nil, fmt.Errorf("%s: %w", flags.Name(), err)
		}
		if flags.NArg() == 0 {
			break
		}
		words = append(words, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
	if len(words) != count {
		return nil, fmt.Errorf("%s takes %d words, not %d", flags.Name(), count, len(words))
	}
	return words, nil
}

// host gives the address of a source without a port, or nil.
func host(text string) (net.IP, error) {
	if text == "" {
		return nil, nil
	}
	if ip := net.ParseIP(text); ip != nil {
		return ip, nil
	}
	return nil, fmt.Errorf("%q is no address", text)
}
