// Package servertest tests what a driver does when its servers fail: when they are down,
// killed, frozen or restarted, reject a value or a connection, or send replies that are
// cut off or invalid. It complements package cachetest, which tests the contract on
// servers that work. Every driver for servers runs it, from one short test:
//
//	func TestServers(t *testing.T) {
//		servertest.Run(t, servertest.Options{
//			Start: func(t *testing.T) servertest.Server { return startServer(t) },
//			Open: func(t *testing.T, c servertest.Config) *cache.Cache {
//				c, err := mydriver.New(mydriver.Config{Servers: c.Servers, Timeout: c.Timeout})
//				if err != nil {
//					t.Fatal(err)
//				}
//				return c
//			},
//			TooLarge: 2 << 20,
//		})
//	}
//
// Each case has a name and a rule in words, and a failure prints the rule that was broken.
// Optional operations, such as compare-and-swap or statistics, are tested if the driver has
// them.
//
// The cases use real processes and real time. Their bounds on time are generous, so that
// they hold on a machine that is busy with other things.
package servertest
