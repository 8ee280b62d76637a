package otelhook_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/otelhook"
	_ "github.com/larder-go/larder/memory"
)

func Example() {
	ctx := context.Background()
	c, err := cache.Open("memory://")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	// Every program with traces does this, with its exporter.
	exporter := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))

	hook, err := otelhook.New(otelhook.Config{})
	if err != nil {
		log.Fatal(err)
	}
	c = hook.Watch(c) // pass this one on to the program

	// The server of HTTP or RPC begins the trace of a request.
	ctx, request := otel.Tracer("example").Start(ctx, "GET /users/1")
	c.Set(ctx, "user:1", []byte("Ada"), 0)
	c.GetMulti(ctx, []string{"user:1", "user:2"})
	request.End()

	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output:
	// set
	// BATCH get
	// GET /users/1
}
