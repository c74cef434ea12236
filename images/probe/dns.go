package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

type dnsReport struct {
	Task   string `json:"task"`
	Name   string `json:"name"`
	Server string `json:"server"`
	outcome
	Addresses []netip.Addr `json:"addresses,omitempty"`
}

// resolve asks one server for the IPv4 and IPv6 addresses of a name, over one protocol only.
func resolve(arguments []string) (report, error) {
	flags := flag.NewFlagSet("dns", flag.ContinueOnError)
	server := flags.String("server", "", "")
	port := flags.String("port", "53", "")
	proto := flags.String("proto", "udp", "")
	timeout := flags.Duration("timeout", 2*time.Second, "")
	words, err := options(flags, arguments, 1)
	if err != nil {
		return nil, err
	}
	if *server == "" {
		return nil, fmt.Errorf("dns needs --server")
	}
	if *proto != "udp" && *proto != "tcp" {
		return nil, fmt.Errorf("--proto is udp or tcp")
	}
	line := &dnsReport{Task: "dns " + *proto, Name: words[0], Server: net.JoinHostPort(*server, *port)}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if strings.HasPrefix(network, "tcp") && *proto == "udp" {
			return nil, fmt.Errorf("the answer is too long for UDP")
		}
		return (&net.Dialer{}).DialContext(ctx, *proto, line.Server)
	}}
	since := time.Now()
	// The dot at the end keeps the search domains of this pod out.
	line.Addresses, err = resolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(words[0], ".")+".")
	var failed *net.DNSError
	if errors.As(err, &failed) {
		if failed.IsTimeout || ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", err, os.ErrDeadlineExceeded)
		}
	}
	line.outcome = outcomeOf(err, since)
	if strings.Contains(line.Error, "connection refused") {
		line.Result = "refused"
	}
	return line, nil
}
