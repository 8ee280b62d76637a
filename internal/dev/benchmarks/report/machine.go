package report

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Machine describes where and when a run took place, in a line of Markdown.
func Machine() string {
	return fmt.Sprintf("%s, %d cores seen by Go, %s/%s%s, %s, %s.",
		cpu(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, kernel(), runtime.Version(), time.Now().Format("2006-01-02"))
}

// cpu returns the model of the processor, where the system tells.
func cpu() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "processor unknown"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, model, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "processor unknown"
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(b))
}

// Versions lists the modules in the binary with those paths, "path version" each.
func Versions(paths []string) []string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var list []string
	for _, d := range info.Deps {
		if slices.Contains(paths, d.Path) {
			version := d.Version
			if d.Replace != nil {
				version = "this tree"
			}
			list = append(list, d.Path+" "+version)
		}
	}
	return list
}
