package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type dialReport struct {
	Task    string `json:"task"`
	Address string `json:"address"`
	outcome
	// What the server said of itself, when it is a probe.
	Answer json.RawMessage `json:"answer,omitempty"`
	// The status of HTTP.
	Status int `json:"status,omitempty"`
}

// dial opens one connection. http: the answer of GET /; tcp: a word that the echo server gives back.
func dial(arguments []string) (report, error) {
	flags := flag.NewFlagSet("dial", flag.ContinueOnError)
	timeout := flags.Duration("timeout", 2*time.Second, "")
	from := flags.String("source", "", "")
	words, err := options(flags, arguments, 2)
	if err != nil {
		return nil, err
	}
	source, err := host(*from)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: *timeout, KeepAlive: -1}
	if source != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: source}
	}
	line := &dialReport{Task: "dial " + words[0], Address: words[1]}
	since := time.Now()
	switch words[0] {
	case "http":
		err = line.get(dialer, *timeout)
	case "tcp":
		err = echoed(dialer, words[1], *timeout)
	default:
		return nil, fmt.Errorf("dial does not know %q", words[0])
	}
	line.outcome = outcomeOf(err, since)
	return line, nil
}

func (line *dialReport) get(dialer *net.Dialer, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+line.Address+"/", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	line.Status = response.StatusCode
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && json.Valid(body) {
		line.Answer = body
	}
	return nil
}

func echoed(dialer *net.Dialer, address string, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	connection, err := dialer.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(deadline); err != nil {
		return err
	}
	word := []byte("skerry\n")
	if _, err := connection.Write(word); err != nil {
		return err
	}
	back := make([]byte, len(word))
	if _, err := io.ReadFull(connection, back); err != nil {
		return err
	}
	if string(back) != string(word) {
		return fmt.Errorf("something else came back: %q", back)
	}
	return nil
}

// get prints what a URL answers. A certificate is not checked: what listens on this machine's loopback
// has made its own.
func get(url string, out io.Writer) error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	_, err = io.Copy(out, response.Body)
	return err
}
