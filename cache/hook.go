package cache

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Hook observes the operations of a cache, for metrics, traces and logs.
//
// Start is called when an operation begins. The context that it returns is passed to the
// driver and to End. End is called when the operation is over. Both must be safe for
// concurrent use and must not panic.
//
// A hook costs nothing unless it is installed. A hook that needs no context, such as one
// that counts, adds no allocation.
type Hook interface {
	Start(ctx context.Context, call Call) context.Context
	End(ctx context.Context, call Call, result Result)
}

// A Call describes an operation that begins.
type Call struct {
	Op        Op
	Driver    string // the name of the driver: "memory"
	Namespace string // the name given to [Cache.Namespace]; empty if there is none

	// Key is the key of an operation on one key, as the caller gave it. It may be
	// long, binary or private. It is empty for other operations.
	Key string

	// Keys is the number of distinct keys.
	Keys int

	// Within is the operation that this one is a part of, if it is a part: packages
	// dependency and load report their own operations, and each operation on the
	// cache that belongs to one is reported inside of it. A hook that adds up hits
	// must count either the parts or the whole, not both. It is zero for an
	// operation that the program itself called. See [NotWithin].
	Within Op
}

// A Result describes an operation that ended. Every key of the call is counted in exactly
// one of Affected, Misses, Rejected and Failed.
type Result struct {
	// Affected is the number of keys for which the operation took effect: found by a
	// read, stored, removed, counted or touched. A delete of many keys does not
	// report absent ones, so they are included.
	Affected int

	// Misses is the number of keys that were absent, in an operation that needs them to be
	// present.
	Misses int

	// Rejected is the number of keys whose condition did not hold: ErrNotStored or
	// ErrConflict.
	Rejected int

	// Failed is the number of keys for which the operation failed. A read of many
	// keys counts those that could not be fetched here and not as misses.
	Failed int

	// Bytes is the length of the values that were read, or were passed to be stored.
	Bytes int

	// Duration is the time from Start to End.
	Duration time.Duration

	// Err is the error that the operation returned.
	Err error

	// For the operations of package load. Affected then counts the values that were
	// in the cache, and Misses those that were not.
	Stale    int           // values in Affected that were returned although they were past their TTL
	Loaded   int           // values in Misses that the load function of this call returned
	Waited   int           // values in Misses that another call loaded, here or in another process
	LoadTime time.Duration // how long the load function of this call ran
}

// Server returns the address of the server that the error names, or "" if it names none.
// If several servers failed, it returns one of them.
func (r *Result) Server() string {
	var e *Error
	if errors.As(r.Err, &e) {
		return e.Server
	}
	return ""
}

// RedactedError returns the text of the error that call returned, for logs and traces that
// must not name keys: the errors of larder quote keys and tags where it helps. Of an operation
// on many keys, everything in quotation marks is replaced. Otherwise what an error of another
// package says, such as that of a load function, is returned as it is. The text is empty
// if there is no error.
func (r *Result) RedactedError(call *Call) string {
	switch {
	case r.Err == nil:
		return ""
	case errors.Is(r.Err, ErrUnreadable):
		return ErrUnreadable.Error() // the key may be one of many
	}
	text := r.Err.Error()
	if call.Key == "" {
		return anyQuoted.ReplaceAllLiteralString(text, "[key]")
	}
	// Errors quote a whole key, or its first bytes or runes.
	const most = 40
	shortened := []string{call.Key, call.Key[:min(len(call.Key), most)], fmt.Sprintf("%.*s", most, call.Key)}
	for _, key := range shortened {
		for _, quoted := range []string{strconv.Quote(key), strconv.QuoteToASCII(key)} {
			text = strings.ReplaceAll(text, quoted, "[key]")
		}
	}
	return nameQuoted.ReplaceAllString(text, "$1 [key]")
}

// anyQuoted matches a string that strconv.Quote wrote, and nameQuoted one that follows the
// word key or tag.
var (
	anyQuoted  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	nameQuoted = regexp.MustCompile(`\b(key|tag) ` + anyQuoted.String())
)

// WithHook returns a view of c whose operations are reported to h, including those of its
// namespaces. It keeps the hooks that c has. h is the outermost: its Start is called first
// and its End last. End of each hook is called with the context of the innermost.
func (c *Cache) WithHook(h Hook) *Cache {
	return c.with(func(v *view) { v.hook = joinHooks(h, v.hook) })
}

func joinHooks(outer, inner Hook) Hook {
	if outer == nil {
		return inner
	}
	if inner == nil {
		return outer
	}
	return hookPair{outer, inner}
}

type hookPair struct{ outer, inner Hook }

func (p hookPair) Start(ctx context.Context, call Call) context.Context {
	return p.inner.Start(p.outer.Start(ctx, call), call)
}

func (p hookPair) End(ctx context.Context, call Call, r Result) {
	p.inner.End(ctx, call, r)
	p.outer.End(ctx, call, r)
}

// Observe reports an operation that is made of several calls to c, as a load is. The calls
// must use the context that it returns: they are then reported as parts of call.Op. The
// caller calls end once, when the operation is over. Observe fills in call.Driver,
// call.Namespace and call.Within, and end fills in the duration.
//
// Without a hook, Observe returns ctx and a function that does nothing.
func (c *Cache) Observe(ctx context.Context, call Call) (_ context.Context, end func(Result)) {
	if c.bare == nil {
		return ctx, func(Result) {}
	}
	ctx, s := c.begin(ctx, call)
	ctx = context.WithValue(ctx, withinKey{}, call.Op)
	return ctx, func(r Result) { s.finish(ctx, r) }
}

// NotWithin returns a context whose operations are reported as called by the program
// itself, with everything else of ctx. It is for code that an operation calls and that is
// not a part of it, as a load function is.
func NotWithin(ctx context.Context) context.Context {
	if within, _ := ctx.Value(withinKey{}).(Op); within == 0 {
		return ctx
	}
	return context.WithValue(ctx, withinKey{}, Op(0))
}

// withinKey is the key of the Op that a context is within.
type withinKey struct{}

// span is an operation in progress that a hook observes.
type span struct {
	hook  Hook
	call  Call
	began time.Duration // since epoch
}

// epoch is a moment before all operations. The time since then is read from the monotonic
// clock alone, which takes three quarters of the time of a time.Now for both ends of an
// operation.
var epoch = time.Now()

// start begins an operation on one key.
func (c *Cache) start(ctx context.Context, op Op, key string) (context.Context, span) {
	return c.begin(ctx, Call{Op: op, Key: key, Keys: 1})
}

// startMulti begins an operation on n keys.
func (c *Cache) startMulti(ctx context.Context, op Op, n int) (context.Context, span) {
	return c.begin(ctx, Call{Op: op, Keys: n})
}

// begin begins an operation. It must be called only if c has a hook.
func (c *Cache) begin(ctx context.Context, call Call) (context.Context, span) {
	call.Driver, call.Namespace = c.core.name, c.namespace
	call.Within, _ = ctx.Value(withinKey{}).(Op)
	s := span{hook: c.hook, call: call}
	ctx = s.hook.Start(ctx, call)
	s.began = time.Since(epoch)
	return ctx, s
}

func (s *span) finish(ctx context.Context, r Result) {
	r.Duration = time.Since(epoch) - s.began
	s.hook.End(ctx, s.call, r)
}

// end ends an operation on one key, or on none.
func (s *span) end(ctx context.Context, bytes int, err error) {
	r := Result{Bytes: bytes, Err: err}
	if s.call.Keys > 0 {
		r.count(err)
	}
	s.finish(ctx, r)
}

// endRead ends a read of many keys that found some of them.
func (s *span) endRead(ctx context.Context, found, bytes int, err error) {
	r := Result{Affected: found, Bytes: bytes, Err: err}
	named := r.countMulti(s.call.Keys-found, err)
	r.Misses += s.call.Keys - found - named
	s.finish(ctx, r)
}

// endWrite ends an operation that changes many keys.
func (s *span) endWrite(ctx context.Context, bytes int, err error) {
	r := Result{Bytes: bytes, Err: err}
	r.Affected = s.call.Keys - r.countMulti(s.call.Keys, err)
	s.finish(ctx, r)
}

// count counts a key by its error.
func (r *Result) count(err error) {
	switch {
	case err == nil:
		r.Affected++
	case errors.Is(err, ErrMiss):
		r.Misses++
	case errors.Is(err, ErrNotStored), errors.Is(err, ErrConflict):
		r.Rejected++
	default:
		r.Failed++
	}
}

// countMulti counts the keys that err names, and returns their number. An error that names
// no keys is that of all n.
func (r *Result) countMulti(n int, err error) int {
	if err == nil {
		return 0
	}
	var m *MultiError
	if !errors.As(err, &m) {
		r.Failed += n
		return n
	}
	for _, err := range m.Errors {
		r.count(err)
	}
	return len(m.Errors)
}
