package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

type mtuReport struct {
	Task    string `json:"task"`
	Address string `json:"address"`
	outcome
	// What this side's kernel takes for the largest packet on the way.
	Kernel int `json:"kernel"`
	// The packet that was asked for, and the largest that was answered; bytes with IP header.
	Size   int `json:"size"`
	Passed int `json:"passed"`
}

const udpHeader = 8

// Numbers of Linux that package syscall does not know for every architecture (linux/in.h, in6.h).
const (
	ipMTU, ipv6MTU                 = 14, 24
	ipMTUDiscover, ipv6MTUDiscover = 10, 23
	pmtuDo                         = 2
)

// unfragmented sets don't-fragment: a packet that is too large is an error here, or is dropped on the way.
func unfragmented(connection syscall.RawConn, v6 bool) error {
	level, option := syscall.IPPROTO_IP, ipMTUDiscover
	if v6 {
		level, option = syscall.IPPROTO_IPV6, ipv6MTUDiscover
	}
	var failed error
	err := connection.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), level, option, pmtuDo)
	})
	return errors.Join(err, failed)
}

func kernelMTU(connection syscall.RawConn, v6 bool) (int, error) {
	level, option := syscall.IPPROTO_IP, ipMTU
	if v6 {
		level, option = syscall.IPPROTO_IPV6, ipv6MTU
	}
	size := 0
	var failed error
	err := connection.Control(func(fd uintptr) {
		size, failed = syscall.GetsockoptInt(int(fd), level, option)
	})
	return size, errors.Join(err, failed)
}

// measure sends datagrams that must not be fragmented and waits until the echo server has sent the whole
// of them back. Without --size the largest packet is tried that the kernel takes for possible.
func measure(arguments []string) (report, error) {
	flags := flag.NewFlagSet("mtu", flag.ContinueOnError)
	size := flags.Int("size", 0, "")
	timeout := flags.Duration("timeout", time.Second, "")
	from := flags.String("source", "", "")
	words, err := options(flags, arguments, 1)
	if err != nil {
		return nil, err
	}
	source, err := host(*from)
	if err != nil {
		return nil, err
	}
	line := &mtuReport{Task: "mtu", Address: words[0], Size: *size}
	since := time.Now()
	err = line.search(source, *timeout)
	line.outcome = outcomeOf(err, since)
	if err == nil && line.Passed < line.Size {
		line.Result = "smaller"
	}
	return line, nil
}

func (line *mtuReport) search(source net.IP, timeout time.Duration) error {
	dialer := &net.Dialer{}
	if source != nil {
		dialer.LocalAddr = &net.UDPAddr{IP: source}
	}
	connection, err := dialer.Dial("udp", line.Address)
	if err != nil {
		return err
	}
	defer connection.Close()
	udp := connection.(*net.UDPConn)
	headers, v6 := 20+udpHeader, false
	if udp.RemoteAddr().(*net.UDPAddr).IP.To4() == nil {
		headers, v6 = 40+udpHeader, true
	}
	raw, err := udp.SyscallConn()
	if err != nil {
		return err
	}
	if err := unfragmented(raw, v6); err != nil {
		return err
	}
	if line.Kernel, err = kernelMTU(raw, v6); err != nil {
		return err
	}
	if line.Size == 0 {
		line.Size = min(line.Kernel, 65535)
	}
	if line.Size < headers+4 {
		return fmt.Errorf("--size must be at least %d", headers+4)
	}
	sender := &sender{udp: udp, headers: headers, timeout: timeout}
	low, high := headers+4, line.Size
	// Twice: one datagram may be lost for another reason.
	for _, size := range []int{low, high} {
		ok := false
		for try := 0; try < 2 && !ok; try++ {
			passed, err := sender.volley([]int{size})
			if err != nil {
				return err
			}
			ok = passed == size
		}
		if ok {
			line.Passed = size
		} else if size == low {
			return fmt.Errorf("not even %d bytes are answered: %w", low, os.ErrDeadlineExceeded)
		}
	}
	// Passes at low, does not at high.
	for line.Passed < high && high-low > 1 {
		sizes := between(low, high)
		passed, err := sender.volley(sizes)
		if err != nil {
			return err
		}
		for _, size := range sizes {
			if size > passed {
				high = size
				break
			}
			low = size
		}
		line.Passed = low
	}
	if line.Passed == line.Size {
		return nil
	}
	// What was only slow must not be taken for too large.
	sender.timeout *= 3
	passed, err := sender.volley([]int{line.Size})
	line.Passed = max(line.Passed, passed)
	return err
}

// between gives at most 15 sizes that divide what lies between two.
func between(low, high int) []int {
	parts := min(16, high-low)
	sizes := make([]int, 0, parts)
	for i := 1; i < parts; i++ {
		sizes = append(sizes, low+(high-low)*i/parts)
	}
	return sizes
}

type sender struct {
	udp     *net.UDPConn
	headers int
	timeout time.Duration
	number  uint32
}

// volley sends a datagram of each size, ascending, and gives the largest that came back whole; 0 for none.
func (s *sender) volley(sizes []int) (int, error) {
	if err := s.udp.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return 0, err
	}
	waiting := map[uint32]int{}
	for _, size := range sizes {
		s.number++
		packet := make([]byte, size-s.headers)
		binary.BigEndian.PutUint32(packet, s.number)
		if _, err := s.udp.Write(packet); errors.Is(err, syscall.EMSGSIZE) {
			continue
		} else if err != nil {
			return 0, err
		}
		waiting[s.number] = size
	}
	passed := 0
	back := make([]byte, 65536)
	for len(waiting) > 0 {
		count, err := s.udp.Read(back)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		// Somebody on the way says that a packet was too large: the others may still come.
		if errors.Is(err, syscall.EMSGSIZE) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if count < 4 {
			continue
		}
		number := binary.BigEndian.Uint32(back)
		// A late answer to an earlier volley has a number that is not waited for.
		if size, known := waiting[number]; known && count == size-s.headers {
			delete(waiting, number)
			passed = max(passed, size)
		}
	}
	return passed, nil
}
