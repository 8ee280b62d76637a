package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// check compares what Prometheus has of the demo with what readPages did, and prints it.
func check(ctx context.Context, prometheus string) error {
	for _, q := range []struct {
		what, query string
		want        func(float64) bool
		format      string
	}{
		{"loads from the cache", `sum(larder_operation_keys_total{operation="load",outcome="hit"})`, func(v float64) bool { return v == hits }, "%.0f"},
		{"loads that rendered", `sum(larder_operation_keys_total{operation="load",outcome="miss"})`, func(v float64) bool { return v == misses }, "%.0f"},
		{"invalidations", `sum(larder_operation_keys_total{operation="invalidate",outcome="ok"})`, func(v float64) bool { return v == 1 }, "%.0f"},
		{"hit ratio", `larder:hits:ratio_rate5m`, func(v float64) bool { return v > 0.9 && v <= 1 }, "%.3f"},
		{"99th percentile", `larder:duration_seconds:p99_rate5m * 1e6`, func(v float64) bool { return v > 0 }, "%.0f µs"},
		{"unavailable", `larder:unavailable:ratio_rate5m or vector(0)`, func(v float64) bool { return v == 0 }, "%.0f"},
		{"entries", `larder_stored_entries`, func(v float64) bool { return v > 0 }, "%.0f"},
	} {
		var value float64
		err := poll(ctx, func() (err error) {
			if value, err = query(ctx, prometheus, q.query); err == nil && !q.want(value) {
				err = fmt.Errorf("%s is %v", q.query, value)
			}
			return err
		})
		if err != nil {
			return err
		}
		fmt.Printf("%-21s "+q.format+"\n", q.what, value)
	}
	rules, firing, err := rulesOf(ctx, prometheus)
	if err != nil {
		return err
	}
	fmt.Printf("%-21s %d, %d alerts firing\n", "rules", rules, firing)
	if rules == 0 || firing > 0 {
		return errors.New("want rules, and no alert while the demo works")
	}
	return nil
}

// query returns the value of an instant query.
func query(ctx context.Context, prometheus, q string) (float64, error) {
	body, err := get(ctx, prometheus+"/api/v1/query?"+url.Values{"query": {q}}.Encode())
	if err != nil {
		return 0, err
	}
	var response struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return 0, err
	}
	if n := len(response.Data.Result); n != 1 {
		return 0, fmt.Errorf("%s has %d values, want one", q, n)
	}
	text, ok := response.Data.Result[0].Value[1].(string)
	if !ok {
		return 0, fmt.Errorf("%s: unexpected response %s", q, body)
	}
	return strconv.ParseFloat(text, 64)
}

// rulesOf returns the number of rules, all of them evaluated without error, and of alerts
// that fire.
func rulesOf(ctx context.Context, prometheus string) (rules, firing int, err error) {
	err = poll(ctx, func() error {
		body, err := get(ctx, prometheus+"/api/v1/rules")
		if err != nil {
			return err
		}
		var response struct {
			Data struct {
				Groups []struct {
					Rules []struct {
						Name, State, Health, LastError string
					}
				}
			}
		}
		if err := json.Unmarshal(body, &response); err != nil {
			return err
		}
		rules, firing = 0, 0
		for _, g := range response.Data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" {
					return fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
				}
				rules++
				if r.State == "firing" {
					firing++
				}
			}
		}
		return nil
	})
	return rules, firing, err
}
