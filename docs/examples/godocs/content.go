package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// content is a page as it is cached.
type content struct {
	shows []string  // the packages that it shows something of
	at    time.Time // when it was rendered
	html  []byte    // must not be modified
}

// contentCodec encodes a page as a line, with the time and the packages, and the HTML. JSON
// would make pages longer, which are large already for a server that keeps at most a megabyte.
type contentCodec struct{}

// Append implements codec.Codec.
func (contentCodec) Append(dst []byte, c content) ([]byte, error) {
	dst = c.at.UTC().AppendFormat(dst, time.RFC3339Nano)
	for _, path := range c.shows {
		dst = append(append(dst, ' '), path...)
	}
	return append(append(dst, '\n'), c.html...), nil
}

// Decode implements codec.Codec.
func (contentCodec) Decode(b []byte) (content, error) {
	line, html, ok := bytes.Cut(b, []byte("\n"))
	fields := strings.Fields(string(line))
	if !ok || len(fields) == 0 {
		return content{}, errors.New("a page begins with a line")
	}
	at, err := time.Parse(time.RFC3339Nano, fields[0])
	if err != nil {
		return content{}, fmt.Errorf("a page begins with the time: %w", err)
	}
	return content{shows: fields[1:], at: at.Local(), html: html}, nil
}
