package main

import (
	"fmt"
	"slices"
	"strings"
)

// vendor lists the packages of each module in a vendor folder. A module
// that only bears on versions has no packages and is not in it.
type vendor map[string][]string

// parseVendor reads vendor/modules.txt.
func parseVendor(modulesTxt []byte) (vendor, error) {
	v := vendor{}
	var current string
	for line := range strings.Lines(string(modulesTxt)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "## "):
		case strings.HasPrefix(line, "# "):
			fields := strings.Fields(line)
			if len(fields) != 3 { // path and version; a replacement has more
				return nil, fmt.Errorf("vendor/modules.txt: want a module and its version, not %q", line)
			}
			current = fields[1]
		case line == "" || current == "":
			return nil, fmt.Errorf("vendor/modules.txt: unexpected line %q", line)
		default:
			v[current] = append(v[current], line)
		}
	}
	return v, nil
}

func (v vendor) modules() []string {
	var paths []string
	for p := range v {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}
