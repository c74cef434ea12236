package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// identity is what a server tells whoever asks: which pod answered, and from where it was asked.
type identity struct {
	Node   string `json:"node"`
	Pod    string `json:"pod"`
	Client string `json:"client"`
}

// serve answers HTTP, and echoes TCP and UDP, until SIGTERM.
func serve(arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	web := flags.String("http", ":8080", "")
	echo := flags.String("echo", ":8081", "")
	if _, err := options(flags, arguments, 0); err != nil {
		return err
	}
	httpListener, err := net.Listen("tcp", *web)
	if err != nil {
		return err
	}
	tcpListener, err := net.Listen("tcp", *echo)
	if err != nil {
		return err
	}
	packets, err := listenUDP(tcpListener.Addr().String())
	if err != nil {
		return err
	}
	failed := make(chan error, 3)
	go func() { failed <- answer(httpListener) }()
	go func() { failed <- echoTCP(tcpListener) }()
	go func() { failed <- echoUDP(packets) }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	fmt.Fprintf(out, "serving http %s echo %s\n", httpListener.Addr(), tcpListener.Addr())
	select {
	case <-stop:
		return nil
	case err := <-failed:
		return err
	}
}

func answer(listener net.Listener) error {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(identity{Node: os.Getenv("NODE_NAME"), Pod: os.Getenv("POD_NAME"), Client: client})
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(listener)
}

func echoTCP(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.Copy(connection, connection)
		}()
	}
}

// listenUDP gives a socket whose answers are not fragmented either: a way back that is too narrow
// shows as no answer.
func listenUDP(address string) (*net.UDPConn, error) {
	resolved, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	packets, err := net.ListenUDP("udp", resolved)
	if err != nil {
		return nil, err
	}
	raw, err := packets.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := unfragmented(raw, false); err != nil {
		return nil, err
	}
	// The usual socket is of both families; one of IPv4 alone has no such option.
	_ = unfragmented(raw, true)
	return packets, nil
}

func echoUDP(packets *net.UDPConn) error {
	buffer := make([]byte, 65536)
	for {
		count, from, err := packets.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return err
		}
		_, _ = packets.WriteToUDPAddrPort(buffer[:count], from)
	}
}
