package wire

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/larder-go/larder/drivers/internal/stream"
)

// maxLine is longer than the replies to Line, one of which is an error in words.
const maxLine = 512

// Line sends one line of the text protocol, with its end, over s and returns the line that
// is the reply, without its end. It is for what the binary protocol lacks. A server takes
// the protocol of a connection from its first byte, so s can be used for nothing else.
func Line(s *stream.Stream, line string) ([]byte, error) {
	if err := s.Send([]byte(line)); err != nil {
		return nil, err
	}
	reply, err := bufio.NewReaderSize(lineReceiver{s}, maxLine).ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		err = fmt.Errorf("%w: a line without an end", ErrMalformed)
	}
	if err != nil {
		return nil, s.Fail(err)
	}
	return bytes.TrimRight(reply, "\r\n"), nil
}

type lineReceiver struct{ s *stream.Stream }

func (r lineReceiver) Read(p []byte) (int, error) { return r.s.Receive(p) }
