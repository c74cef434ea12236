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
	number := uint32(0)
	passes := func(size int) (bool, error) {
		// Twice: one datagram may be lost for another reason.
		for range 2 {
			number++
			ok, err := roundTrip(udp, size-headers, number, timeout)
			if ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	low, high := headers+4, line.Size
	ok, err := passes(low)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("not even %d bytes are answered: %w", low, os.ErrDeadlineExceeded)
	}
	if ok, err = passes(high); err != nil {
		return err
	}
	if ok {
		line.Passed = high
		return nil
	}
	// Passes at low, does not at high.
	for high-low > 1 {
		middle := (low + high) / 2
		ok, err := passes(middle)
		if err != nil {
			return err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	line.Passed = low
	return nil
}

// roundTrip sends length bytes that begin with number, and waits for the same to come back.
func roundTrip(udp *net.UDPConn, length int, number uint32, timeout time.Duration) (bool, error) {
	packet := make([]byte, length)
	binary.BigEndian.PutUint32(packet, number)
	if err := udp.SetDeadline(time.Now().Add(timeout)); err != nil {
		return false, err
	}
	if _, err := udp.Write(packet); err != nil {
		if errors.Is(err, syscall.EMSGSIZE) {
			return false, nil
		}
		return false, err
	}
	back := make([]byte, 65536)
	for {
		count, err := udp.Read(back)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.EMSGSIZE) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		// A late answer to an earlier datagram is passed over.
		if count >= 4 && binary.BigEndian.Uint32(back) == number {
			return count == length, nil
		}
	}
}
