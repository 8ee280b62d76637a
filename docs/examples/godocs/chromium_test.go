package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds what a browser on a busy machine may take for one step.
const patience = 2 * time.Minute

// browser is a Chromium without a window. It is controlled through two pipes, which carry
// messages of the Chrome DevTools Protocol, each ended by a zero byte:
// https://chromedevtools.github.io/devtools-protocol/
type browser struct {
	in *os.File

	mu      sync.Mutex
	lastID  int
	replies map[int]chan reply
	ended   error              // why there are no more replies
	logs    map[string]*tabLog // by session
}

type reply struct {
	ID     int
	Error  *struct{ Message string }
	Result json.RawMessage

	// Of an event.
	Method    string
	SessionID string `json:"sessionId"`
	Params    json.RawMessage
}

// tabLog holds the events of a tab.
type tabLog struct {
	requests []string // URLs
	problems []string // what the console shows
}

// findChromium returns the program, or "". These are its names in Debian and elsewhere.
func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// startBrowser starts a browser that ends with the test. The test is skipped where there
// is none.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := findChromium()
	if program == "" {
		t.Skip("no chromium is installed")
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program,
		"--headless", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(),
		"--no-sandbox", // it does not start without as root, and reads nothing but the pages of this test
		"--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Skipf("chromium does not start: %v", err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{in: in, replies: map[int]chan reply{}, logs: map[string]*tabLog{}}
	go b.read(out)
	t.Cleanup(func() {
		_, _ = b.call("", "Browser.close", nil)
		waited := make(chan error, 1)
		go func() { waited <- cmd.Wait() }()
		select {
		case <-waited:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-waited
		}
		in.Close()
		out.Close()
	})
	if _, err := b.call("", "Browser.getVersion", nil); err != nil {
		t.Skipf("chromium does not start: %v\n%s", err, &said)
	}
	return b
}

// read hands out replies and notes events until the browser ends.
func (b *browser) read(out *os.File) {
	r := bufio.NewReader(out)
	for {
		message, err := r.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.ended = errors.New("the browser has ended")
			for _, c := range b.replies {
				close(c)
			}
			b.replies = nil
			b.mu.Unlock()
			return
		}
		var m reply
		if json.Unmarshal(bytes.TrimSuffix(message, []byte{0}), &m) != nil {
			continue
		}
		b.mu.Lock()
		if c := b.replies[m.ID]; c != nil {
			c <- m
			delete(b.replies, m.ID)
		} else if m.Method != "" {
			b.note(m)
		}
		b.mu.Unlock()
	}
}

// note keeps what the tests look at. The caller holds the lock.
func (b *browser) note(m reply) {
	l := b.logs[m.SessionID]
	if l == nil {
		l = &tabLog{}
		b.logs[m.SessionID] = l
	}
	switch m.Method {
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		if json.Unmarshal(m.Params, &p) == nil {
			l.requests = append(l.requests, p.Request.URL)
		}
	case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
		l.problems = append(l.problems, string(m.Params))
	}
}

// call sends a command and returns the result.
func (b *browser) call(session, method string, params any) (json.RawMessage, error) {
	c := make(chan reply, 1)
	b.mu.Lock()
	if b.ended != nil {
		b.mu.Unlock()
		return nil, b.ended
	}
	b.lastID++
	id := b.lastID
	b.replies[id] = c
	b.mu.Unlock()
	command := map[string]any{"id": id, "method": method}
	if params != nil {
		command["params"] = params
	}
	if session != "" {
		command["sessionId"] = session
	}
	message, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	if _, err := b.in.Write(append(message, 0)); err != nil {
		return nil, err
	}
	select {
	case r, ok := <-c:
		switch {
		case !ok:
			return nil, b.ended
		case r.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		return r.Result, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("%s: no reply in %v", method, patience)
	}
}

// tab is a page of a browser.
type tab struct {
	t       *testing.T
	b       *browser
	session string
}

// newTab opens a tab of a width, in light or dark colors.
func (b *browser) newTab(t *testing.T, width int, scheme string) *tab {
	t.Helper()
	tb := &tab{t: t, b: b}
	var target struct{ TargetID string }
	tb.must("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	tb.must("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	tb.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		tb.must(domain+".enable", nil, nil)
	}
	tb.show(width, scheme)
	return tb
}

// show gives the tab a width, and light or dark colors.
func (tb *tab) show(width int, scheme string) {
	tb.t.Helper()
	tb.must("Emulation.setDeviceMetricsOverride", map[string]any{
		// A phone would widen the window to what does not fit, and hide it.
		"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false,
	}, nil)
	tb.must("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
	tb.wait(fmt.Sprintf(`innerWidth === %d && matchMedia("(prefers-color-scheme: %s)").matches`, width, scheme))
}

func (tb *tab) must(method string, params, result any) {
	tb.t.Helper()
	raw, err := tb.b.call(tb.session, method, params)
	if err == nil && result != nil {
		err = json.Unmarshal(raw, result)
	}
	if err != nil {
		tb.t.Fatal(err)
	}
}

// open goes to a URL and waits until the page is there.
func (tb *tab) open(url string) {
	tb.t.Helper()
	tb.must("Page.navigate", map[string]any{"url": url}, nil)
	tb.wait(`location.href === ` + quote(url))
}

// eval evaluates an expression of JavaScript in the page.
func (tb *tab) eval(expression string, result any) error {
	raw, err := tb.b.call(tb.session, "Runtime.evaluate", map[string]any{
		"expression": expression, "returnByValue": true, "userGesture": true,
	})
	if err != nil {
		return err
	}
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if r.ExceptionDetails != nil {
		return errors.New(r.ExceptionDetails.Exception.Description)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(r.Result.Value, result)
}

// wait waits until a condition holds and the page is complete. While it navigates, a page
// cannot be asked.
func (tb *tab) wait(condition string) {
	tb.t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		ok := false
		last = tb.eval(`document.readyState === "complete" && (`+condition+`)`, &ok)
		if last == nil && ok {
			return
		}
	}
	tb.t.Fatalf("waited for %s: last error %v; the page is\n%s", condition, last, tb.text("body"))
}

// text returns the text of an element as it is shown.
func (tb *tab) text(selector string) string {
	tb.t.Helper()
	var text string
	if err := tb.eval(`document.querySelector(`+quote(selector)+`).innerText`, &text); err != nil {
		tb.t.Fatalf("%s: %v", selector, err)
	}
	return text
}

// expect checks that the text of the page has these parts.
func (tb *tab) expect(wants ...string) {
	tb.t.Helper()
	text := strings.Join(strings.Fields(tb.text("body")), " ")
	for _, want := range wants {
		if !strings.Contains(text, want) {
			tb.t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

// click clicks on an element.
func (tb *tab) click(selector string) {
	tb.t.Helper()
	if err := tb.eval(`document.querySelector(`+quote(selector)+`).click()`, nil); err != nil {
		tb.t.Fatalf("%s: %v", selector, err)
	}
}

// logged returns what the tab has reported so far.
func (tb *tab) logged() tabLog {
	tb.b.mu.Lock()
	defer tb.b.mu.Unlock()
	l := tb.b.logs[tb.session]
	if l == nil {
		return tabLog{}
	}
	return *l
}

// shoot saves a picture of the page in the folder of -shots, if there is one.
func (tb *tab) shoot(name string) {
	tb.t.Helper()
	if *shots == "" {
		return
	}
	var clip map[string]float64
	if err := tb.eval(`({x: 0, y: 0, scale: 1, width: innerWidth, height: Math.min(2000, document.documentElement.scrollHeight)})`, &clip); err != nil {
		tb.t.Fatal(err)
	}
	var picture struct{ Data string }
	tb.must("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "clip": clip}, &picture)
	data, err := base64.StdEncoding.DecodeString(picture.Data)
	if err != nil {
		tb.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), data, 0o666); err != nil {
		tb.t.Fatal(err)
	}
}

// quote returns s as a string of JavaScript.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always can be
	}
	return string(b)
}
