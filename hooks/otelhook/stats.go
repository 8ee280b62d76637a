package otelhook

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/larder-go/larder/cache"
)

// reasonKey is the attribute for the reason of an eviction.
const reasonKey = attribute.Key("larder.eviction.reason")

// statsTimeout bounds reading the statistics of a cache. The drivers of larder count them in
// the process; other drivers may ask a server.
const statsTimeout = time.Second

// watched is a cache whose statistics are observed.
type watched struct {
	cache     *cache.Cache
	namespace string
}

// observation is a value of an instrument. Caches with equal attributes are added up.
type observation struct {
	instrument metric.Int64Observable
	attrs      attribute.Distinct
}

// observeStats registers the instruments for statistics.
func (h *Hook) observeStats(meter metric.Meter) error {
	var errs [7]error
	connections, err := dbconv.NewClientConnectionCountObservable(meter)
	errs[0] = err
	most, err := dbconv.NewClientConnectionMaxObservable(meter)
	errs[1] = err
	timeouts, err := dbconv.NewClientConnectionTimeoutsObservable(meter)
	errs[2] = err
	entries, err := meter.Int64ObservableUpDownCounter("larder.stored.entries", metric.WithUnit("{entry}"),
		metric.WithDescription("The entries that are held in the process."))
	errs[3] = err
	size, err := meter.Int64ObservableUpDownCounter("larder.stored.size", metric.WithUnit("By"),
		metric.WithDescription("The bytes that are held in the process, as the bound on bytes counts them."))
	errs[4] = err
	evictions, err := meter.Int64ObservableCounter("larder.evictions", metric.WithUnit("{entry}"),
		metric.WithDescription("The entries removed to keep within a bound."))
	errs[5] = err
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		sums := map[observation]int64{}
		sets := map[attribute.Distinct]attribute.Set{}
		var failed []error
		h.eachStats(func(w *watched, st *cache.Stats, err error) {
			if err != nil {
				failed = append(failed, err)
				return
			}
			observe := func(in metric.Int64Observable, n int64, attrs ...attribute.KeyValue) {
				set := attribute.NewSet(attrs...)
				sets[set.Equivalent()] = set
				sums[observation{in, set.Equivalent()}] += n
			}
			for i := range st.Servers {
				s := &st.Servers[i]
				name := s.Server
				if w.namespace != "" {
					name += "/" + w.namespace
				}
				pool := semconv.DBClientConnectionPoolName(name)
				observe(connections.Inst(), int64(s.InUse), pool, semconv.DBClientConnectionStateUsed)
				observe(connections.Inst(), int64(s.Idle), pool, semconv.DBClientConnectionStateIdle)
				if s.MaxOpen > 0 {
					observe(most.Inst(), int64(s.MaxOpen), pool)
				}
				observe(timeouts.Inst(), int64(s.Failures.PoolTimeout), pool)
			}
			if st.Servers == nil {
				common := h.newOperation(id{driver: w.cache.Driver(), namespace: w.namespace}).common
				observe(entries, int64(st.Entries), common...)
				observe(size, int64(st.Bytes), common...)
				observe(evictions, int64(st.EvictionsByCount), with(common, reasonKey.String("count"))...)
				observe(evictions, int64(st.EvictionsBySize), with(common, reasonKey.String("size"))...)
			}
		})
		for of, n := range sums {
			o.ObserveInt64(of.instrument, n, metric.WithAttributeSet(sets[of.attrs]))
		}
		return errors.Join(failed...)
	}, connections.Inst(), most.Inst(), timeouts.Inst(), entries, size, evictions)
	return err
}

// eachStats calls f with the statistics of each watched cache, and forgets those that were
// closed.
func (h *Hook) eachStats(f func(*watched, *cache.Stats, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watched = slices.DeleteFunc(h.watched, func(w *watched) bool {
		st, err := readStats(w.cache)
		if errors.Is(err, cache.ErrClosed) {
			return true
		}
		f(w, &st, err)
		return false
	})
}

func readStats(c *cache.Cache) (cache.Stats, error) {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	return c.Stats(ctx)
}
