package valkey

import (
	"errors"
	"strings"

	vk "github.com/valkey-io/valkey-go"
)

// errNil is returned for the reply that says that there is no such key.
var errNil = errors.New("nil reply")

// A serverError is an error reply, such as "WRONGTYPE Operation against ...".
type serverError string

func (e serverError) Error() string { return string(e) }

// code returns the first word.
func (e serverError) code() string {
	code, _, _ := strings.Cut(string(e), " ")
	return code
}

// A request is a command on one key, or a script on one or more.
type request struct {
	name   string   // of the command; empty for a script
	script *script  // run by its digest
	source bool     // run by its source: the server does not know it
	key    string   // the first key
	keys   []string // the others
	args   [4]string
	n      int      // how many of args are used
	more   []string // arguments after args
}

// arg adds an argument.
func (r *request) arg(s string) {
	r.args[r.n] = s
	r.n++
}

// build makes the command. The strings must not change until the call is over, nor after
// a call that failed: the library may be sending them still.
func (r *request) build(b vk.Builder) vk.Completed {
	switch {
	case r.name == "GET":
		return b.Get().Key(r.key).Build()
	case r.name != "":
		a := b.Arbitrary(r.name)
		if r.key != "" {
			a = a.Keys(r.key)
		}
		return a.Args(r.args[:r.n]...).Args(r.more...).Build()
	}
	a := b.Arbitrary("EVALSHA").Args(r.script.digest)
	if r.source {
		a = b.Arbitrary("EVAL").Args(r.script.source)
	}
	a = a.Args(decimal(1 + len(r.keys))).Keys(r.key)
	if len(r.keys) > 0 {
		a = a.Keys(r.keys...)
	}
	return a.Args(r.args[:r.n]...).Args(r.more...).Build()
}

// A reply is the result of a request.
type reply = vk.ValkeyResult

func failedMulti(n int, err error) []reply {
	rs := make([]reply, n)
	for i := range rs {
		rs[i] = vk.NewErrorResult(err)
	}
	return rs
}

// failureOf returns the error of the library or of the server, if there is one. A nil
// reply is not an error.
func failureOf(r reply) error {
	err := r.Error()
	if err == nil || vk.IsValkeyNil(err) {
		return nil
	}
	return plainError(err)
}

// plainError gives an error reply the type of this package.
func plainError(err error) error {
	if e, ok := vk.IsValkeyErr(err); ok {
		return serverError(e.Error())
	}
	return err
}

// A value is a successful reply, or an element of a list.
type value = vk.ValkeyMessage

// valueOf returns the value of a successful reply.
func valueOf(r reply) value {
	v, _ := r.ToMessage() // an error only for nil
	return v
}

func isNil(v value) bool     { return v.IsNil() }
func isInteger(v value) bool { return v.IsInt64() }

// isStatus reports whether v is a status, such as OK, and not a string.
func isStatus(v value) bool {
	s, err := v.ToString()
	return err == nil && s == "OK" && !v.IsArray()
}

// bytesOf returns a string; errNil for nil; or the error that v is.
func bytesOf(v value) ([]byte, error) {
	b, err := v.AsBytes()
	switch {
	case err != nil && vk.IsValkeyNil(err):
		return nil, errNil
	case err != nil:
		return nil, plainError(err)
	case len(b) == 0:
		return []byte{}, nil
	}
	return b, nil
}

// integerOf returns a number, or the error that v is.
func integerOf(v value) (int64, error) {
	n, err := v.AsInt64()
	if err != nil {
		return 0, plainError(err)
	}
	return n, nil
}

// listOf returns the elements of a list, or the error that v is.
func listOf(v value) ([]value, error) {
	list, err := v.ToArray()
	if err != nil {
		return nil, plainError(err)
	}
	return list, nil
}

// fieldOf returns a field of a map, or nil.
func fieldOf(v value, name string) value {
	m, err := v.AsMap()
	if err != nil {
		return value{}
	}
	return m[name]
}
