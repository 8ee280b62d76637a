package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// A Greeting begins a new connection: it sends the user and password, if there are any, and
// checks that the server speaks the protocol.
type Greeting struct {
	User, Password string

	commandsOnly bool // only the user: nothing is known of the server
}

// The oldest version of memcached that will do. Before it, md compared CAS ids wrongly.
var oldest = [3]int{1, 6, 13}

// An UnsuitableError says that a server does not do what the driver needs.
type UnsuitableError struct{ what string }

func (e *UnsuitableError) Error() string {
	return e.what + "; want memcached 1.6.13 or later with the text protocol, or use drivers/gomemcache"
}

// greet greets the server and checks its replies. All goes out in one write, but for the user
// and password: a server that refuses them may close the connection, and its reply is lost if
// more was sent.
func (g Greeting) greet(nc net.Conn) error {
	// The server sends nothing but the replies, so that the reader holds nothing back.
	in := bufio.NewReaderSize(nc, protocol.MaxLine)
	if g.User != "" {
		r := protocol.Request{Verb: protocol.Authenticate, Value: []byte(g.User + " " + g.Password)}
		if err := exchange(nc, in, r); err != nil {
			return err
		}
	}
	if !g.commandsOnly {
		err := exchange(nc, in, protocol.Request{Verb: protocol.Version}, protocol.Request{Verb: protocol.Noop},
			protocol.Request{Verb: protocol.GetItem, Key: probeKey})
		if err != nil {
			return err
		}
	}
	if in.Buffered() > 0 {
		return errors.New("the server sent more than replies")
	}
	return nil
}

// exchange sends requests of the greeting in one write, and checks the replies.
func exchange(nc net.Conn, in *bufio.Reader, requests ...protocol.Request) error {
	var b []byte
	for i := range requests {
		b = requests[i].Append(b, protocol.Tag(i))
	}
	if _, err := nc.Write(b); err != nil {
		return plain(err)
	}
	for i := range requests {
		if err := checkGreeting(in, requests[i].Verb, protocol.Tag(i)); err != nil {
			return err
		}
	}
	return nil
}

// probeKey is a key that is asked for to see whether the server has meta commands.
const probeKey = "larder-probe"

// checkGreeting reads the reply to one request of the greeting.
func checkGreeting(in *bufio.Reader, verb protocol.Verb, tag protocol.Tag) error {
	line, err := in.ReadSlice('\n')
	if err == io.EOF || errors.Is(err, syscall.ECONNRESET) {
		return errors.New("the server closed the connection without a reply; it may want TLS, or a user and password (-Y), or have too many connections (-c), or have no meta commands (-B binary)")
	}
	if err != nil {
		return plain(err)
	}
	line = []byte(strings.TrimRight(string(line), "\r\n"))
	if text, ok := strings.CutPrefix(string(line), "ERROR Too many open connections"); ok && text == "" {
		return errors.New("the server has too many open connections (-c)")
	}
	var r protocol.Reply
	size, err := verb.Parse(0, line, tag, &r)
	switch {
	case err != nil && verb != protocol.Authenticate && strings.Contains(string(line), "unauthenticated"):
		return errors.New("the server wants a user and password (-Y)")
	case err != nil && verb == protocol.Version:
		return fmt.Errorf("the server is not memcached: %w", err)
	case err != nil:
		return &UnsuitableError{fmt.Sprintf("the server does not know the meta protocol (%v)", err)}
	case verb == protocol.Authenticate && r.Status == protocol.Failed:
		return errors.New("the server refused the user or password: " + r.Text())
	case r.Status == protocol.Failed:
		return errors.New("the server failed: " + r.Text())
	case verb == protocol.Version && older(r.Text()):
		return &UnsuitableError{fmt.Sprintf("the server is version %.40s", r.Text())}
	case size >= 0:
		_, err := in.Discard(size + 2)
		return err
	}
	return nil
}

// older reports whether a version is known to be too old. One that is not a number may be
// that of another server, whose replies decide.
func older(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 {
		return false
	}
	for i, want := range oldest {
		digits := parts[i]
		if end := strings.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' }); end >= 0 {
			digits = digits[:end]
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			return false
		}
		if n != want {
			return n < want
		}
	}
	return false
}
