package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The test binary is the program itself when it is started with this.
const asProgram = "SKERRY_PROBE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func command(t *testing.T, before []string, words ...string) *exec.Cmd {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(append(before, own), words...)
	c := exec.Command(line[0], line[1:]...)
	c.Env = append(os.Environ(), asProgram+"=1", "NODE_NAME=node-1", "POD_NAME=probe-x")
	return c
}

// start runs serve on free ports and gives its addresses.
func start(t *testing.T, before []string, words ...string) (web, echo string) {
	t.Helper()
	server := command(t, before, append([]string{"serve"}, words...)...)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		if err := server.Wait(); err != nil {
			t.Errorf("serve did not end well: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(line)
	return fields[2], fields[4]
}

type line struct {
	Task, Address, Result, Error string
	Answer                       identity
	Status, Kernel, Size, Passed int
	Addresses                    []string
}

// probe runs the program to its end.
func probe(t *testing.T, before []string, words ...string) (lines []line, code int) {
	t.Helper()
	c := command(t, before, words...)
	c.Stderr = os.Stderr
	out, err := c.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	for decoder.More() {
		var one line
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, one)
	}
	return lines, c.ProcessState.ExitCode()
}

func want(t *testing.T, lines []line, code, wantCode int, result string) line {
	t.Helper()
	if code != wantCode || len(lines) != 1 || lines[0].Result != result {
		t.Fatalf("exit %d, %+v; want exit %d, %s", code, lines, wantCode, result)
	}
	return lines[0]
}

var free = []string{"--http", "127.0.0.1:0", "--echo", "127.0.0.1:0"}

func TestDial(t *testing.T) {
	web, echo := start(t, nil, free...)
	lines, code := probe(t, nil, "dial", "http", web, "--source", "127.0.0.2")
	if got := want(t, lines, code, 0, "answered").Answer; got != (identity{"node-1", "probe-x", "127.0.0.2"}) {
		t.Errorf("the server said %+v", got)
	}
	lines, code = probe(t, nil, "dial", "tcp", echo)
	want(t, lines, code, 0, "answered")
	lines, code = probe(t, nil, "dial", "--timeout", "1s", "tcp", "127.0.0.1:1")
	want(t, lines, code, exitRefused, "refused")
}

// Somebody who takes the connection and never says a word.
func TestDialTimesOut(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	lines, code := probe(t, nil, "dial", "http", listener.Addr().String(), "--timeout", "100ms")
	want(t, lines, code, exitTimeout, "timeout")
}

func TestMTUOnLoopback(t *testing.T) {
	_, echo := start(t, nil, free...)
	lines, code := probe(t, nil, "mtu", echo, "--size", "9000")
	if got := want(t, lines, code, 0, "answered"); got.Passed != 9000 || got.Kernel < 9000 {
		t.Errorf("%+v", got)
	}
	lines, code = probe(t, nil, "mtu", "127.0.0.1:1")
	want(t, lines, code, exitRefused, "refused")
}

// Two network namespaces: this side may send 1500 bytes, the other takes 1300. Nobody tells.
func TestMTUOfANarrowPath(t *testing.T) {
	holder := exec.Command("unshare", "-n", "sleep", "60")
	if err := holder.Start(); err != nil {
		t.Skip("unshare is not there")
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	script := `set -e
far=$1
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add near mtu 1500 type veth peer name far mtu 1300
ip link set far netns "$far"
ip address add 192.0.2.1/24 dev near
ip link set near up
nsenter -t "$far" -n sh -c 'ip address add 192.0.2.2/24 dev far; ip link set far up; exec "$1" serve --http 192.0.2.2:0 --echo 192.0.2.2:8081' sh "$2" >&2 &
server=$!
trap 'kill $server' EXIT
i=0
until "$2" dial tcp 192.0.2.2:8081 --timeout 500ms >/dev/null; do i=$((i+1)); [ $i -lt 20 ]; done
"$2" mtu 192.0.2.2:8081 --timeout 100ms || [ $? = 6 ]
`
	own, _ := os.Executable()
	c := exec.Command("unshare", "-n", "sh", "-c", script, "sh", strconv.Itoa(holder.Process.Pid), own)
	c.Env = append(os.Environ(), asProgram+"=1")
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		if os.Geteuid() != 0 {
			t.Skip("network namespaces are for root")
		}
		t.Fatalf("%v\n%s", err, &complaint)
	}
	var got line
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Result != "smaller" || got.Kernel != 1500 || got.Passed != 1300 {
		t.Errorf("%s", out)
	}
}

// A name server that knows one name, on UDP and TCP of one port; over TCP it gives another address.
func nameServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); packets.Close() })
	reply := func(query []byte, last byte) []byte {
		end := 12
		for query[end] != 0 {
			end += int(query[end]) + 1
		}
		question := query[12 : end+5]
		head := []byte{query[0], query[1], 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0}
		known := strings.Contains(string(question), "skerry")
		if !known {
			head[3] = 3
		}
		if !known || question[len(question)-3] != 1 {
			return append(head, question...)
		}
		head[7] = 1
		record := []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, last}
		return append(append(head, question...), record...)
	}
	go func() {
		buffer := make([]byte, 1500)
		for {
			count, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(reply(buffer[:count], 1), from)
		}
	}()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				head := make([]byte, 2)
				buffer := make([]byte, 1500)
				if _, err := connection.Read(head); err != nil {
					return
				}
				count := int(binary.BigEndian.Uint16(head))
				if _, err := connection.Read(buffer[:count]); err != nil {
					return
				}
				answer := reply(buffer[:count], 2)
				_, _ = connection.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			}()
		}
	}()
	return listener.Addr().String()
}

func TestDNS(t *testing.T) {
	address, port, _ := net.SplitHostPort(nameServer(t))
	for proto, last := range map[string]string{"udp": "192.0.2.1", "tcp": "192.0.2.2"} {
		lines, code := probe(t, nil, "dns", "skerry.test", "--server", address, "--port", port, "--proto", proto)
		if got := want(t, lines, code, 0, "answered"); len(got.Addresses) != 1 || got.Addresses[0] != last {
			t.Errorf("%s: %+v", proto, got)
		}
		lines, code = probe(t, nil, "dns", "other.test", "--server", address, "--port", port, "--proto", proto)
		want(t, lines, code, exitOther, "error")
	}
	for _, proto := range []string{"udp", "tcp"} {
		lines, code := probe(t, nil, "dns", "skerry.test", "--server", "127.0.0.1", "--port", "1", "--proto", proto)
		want(t, lines, code, exitRefused, "refused")
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, _ = net.SplitHostPort(silent.LocalAddr().String())
	lines, code := probe(t, nil, "dns", "skerry.test", "--server", "127.0.0.1", "--port", port, "--timeout", "200ms")
	want(t, lines, code, exitTimeout, "timeout")
}

func TestEachRunsAtTheSameTimeAndKeepsTheOrder(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	web, echo := start(t, nil, free...)
	words := []string{"each"}
	for range 8 {
		words = append(words, "mtu", silent.LocalAddr().String(), "--timeout", "150ms", "--")
	}
	words = append(words, "dial", "http", web, "--", "dial", "tcp", echo)
	since := time.Now()
	lines, code := probe(t, nil, words...)
	if code != 0 || len(lines) != 10 {
		t.Fatalf("exit %d, %d lines", code, len(lines))
	}
	if took := time.Since(since); took > 2*time.Second {
		t.Errorf("one after the other: %v", took)
	}
	if lines[0].Result != "timeout" || lines[8].Task != "dial http" || lines[9].Task != "dial tcp" || lines[9].Result != "answered" {
		t.Errorf("%+v", lines)
	}
}

func TestWithinTriesUntilItIsAnswered(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	taken.Close()
	go func() {
		time.Sleep(400 * time.Millisecond)
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return
		}
		_ = echoTCP(listener)
	}()
	lines, code := probe(t, nil, "dial", "tcp", address, "--within", "10s")
	want(t, lines, code, 0, "answered")
	since := time.Now()
	lines, code = probe(t, nil, "dial", "tcp", "127.0.0.1:1", "--within", "600ms")
	want(t, lines, code, exitRefused, "refused")
	if took := time.Since(since); took < 200*time.Millisecond || took > 3*time.Second {
		t.Errorf("given up after %v", took)
	}
}

func TestGet(t *testing.T) {
	web, _ := start(t, nil, free...)
	out, err := command(t, nil, "get", "http://"+web+"/metrics").Output()
	if err != nil || !bytes.Contains(out, []byte(`"pod":"probe-x"`)) {
		t.Errorf("%v: %s", err, out)
	}
	if err := command(t, nil, "get", "http://127.0.0.1:1/").Run(); err == nil {
		t.Error("nobody is there, and it says that it is well")
	}
}

func TestUsage(t *testing.T) {
	for _, words := range [][]string{{}, {"fly"}, {"dial", "http"}, {"dns", "a"}, {"dial", "sctp", "a:1"}, {"each", "mtu"}, {"get"}, {"mtu", "a:1", "--within"}} {
		c := command(t, nil, words...)
		said, _ := c.CombinedOutput()
		if c.ProcessState.ExitCode() != exitUsage || !bytes.Contains(said, []byte("usage:")) {
			t.Errorf("%v: exit %d\n%s", words, c.ProcessState.ExitCode(), said)
		}
	}
}
