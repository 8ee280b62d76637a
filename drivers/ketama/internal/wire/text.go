package wire

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"time"
)

// maxLine is more than the answers to Line have, of which one is an error in words.
const maxLine = 512

// Line sends one line of the text protocol, with its end, on a connection of its own
// and returns the line that is the answer, without its end. It is for what the binary
// protocol lacks: a server takes the protocol of a connection from its first byte.
func Line(ctx context.Context, network, address, line string, timeout time.Duration) ([]byte, error) {
	c, err := Dial(ctx, network, address, timeout)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // the answer is here, or the error
	defer context.AfterFunc(ctx, c.Interrupt)()
	if err := c.deadline(timeout, c.nc.SetDeadline); err != nil {
		return nil, err
	}
	if _, err := c.nc.Write([]byte(line)); err != nil {
		return nil, err
	}
	answer, err := bufio.NewReaderSize(c.nc, maxLine).ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return nil, fmt.Errorf("%w: a line without an end", ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(answer, "\r\n"), nil
}
