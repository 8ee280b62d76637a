package valkey

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"
)

// A script runs on the server. All of its keys are in one slot, unless it runs on a server
// that is not part of a cluster.
type script struct {
	source string
	digest string // SHA-1, in hex
}

// newScript returns a script. It replaces the names of parts that several scripts share:
// MAGIC is the end of a mark, as Lua writes it.
func newScript(flags, source string) *script {
	source = "#!lua" + flags + "\n" + strings.ReplaceAll(source, "MAGIC", luaString(markMagic))
	sum := sha1.Sum([]byte(source))
	return &script{source, hex.EncodeToString(sum[:])}
}

// allowOOM is the flag of scripts that must run on a server whose memory is full:
// otherwise nothing could be invalidated there.
const allowOOM = " flags=allow-oom"

func luaString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		b.WriteString(`\` + leftPad(strconv.Itoa(int(s[i]))))
	}
	b.WriteByte('"')
	return b.String()
}

// leftPad makes three digits, the longest escape of a byte in Lua.
func leftPad(s string) string { return strings.Repeat("0", 3-len(s)) + s }

// The replies of the scripts that change items, for each key.
const (
	replyDone      = 1
	replyConflict  = 0
	replyMiss      = -1
	replyNotNumber = -2
)

// getItemScript reads items, and marks those that have no mark, keeping the TTL. ARGV[1]
// is the mark. It returns, for each key, false or the stored value and the rest of the TTL.
var getItemScript = newScript(allowOOM, `
local items = {}
for i, key in ipairs(KEYS) do
	local v = redis.pcall('GET', key)
	if type(v) == 'string' then
		if #v < 16 or string.sub(v, -4) ~= MAGIC then
			v = v .. ARGV[1]
			redis.call('SET', key, v, 'KEEPTTL')
		end
		v = {v, redis.call('PTTL', key)}
	end
	items[i] = v
end
return items
`)

// getOrAddScript returns items as getItemScript does, and stores those that are absent.
// ARGV[1] is the mark for those that are present; two arguments for each key are
// the value with its mark, and the TTL in milliseconds or nothing. For what it stored it
// returns true.
var getOrAddScript = newScript("", `
local items = {}
for i, key in ipairs(KEYS) do
	local v = redis.pcall('GET', key)
	if v == false then
		local new, ttl = ARGV[2*i], ARGV[2*i+1]
		if ttl == '' then
			v = redis.pcall('SET', key, new)
		else
			v = redis.pcall('SET', key, new, 'PX', ttl)
		end
	elseif type(v) == 'string' then
		if #v < 16 or string.sub(v, -4) ~= MAGIC then
			v = v .. ARGV[1]
			redis.call('SET', key, v, 'KEEPTTL')
		end
		v = {v, redis.call('PTTL', key)}
	end
	items[i] = v
end
return items
`)

// compare begins the scripts that change an item only in the state of its token: the value
// of state is 1 if that is the state, 0 if it is another, -1 if the key is absent.
const compare = `
local function state(key, token)
	local mark = redis.pcall('GETRANGE', key, -16, -1)
	if mark == token then return 1 end
	if mark == '' and redis.call('EXISTS', key) == 0 then return -1 end
	return 0
end
local states = {}
for i, key in ipairs(KEYS) do
`

// swapScript stores values. Three arguments for each key are the token, the value and the
// TTL in milliseconds or nothing.
var swapScript = newScript("", compare+`
	local s = state(key, ARGV[3*i-2])
	if s == 1 then
		local ttl = ARGV[3*i]
		if ttl == '' then
			redis.call('SET', key, ARGV[3*i-1])
		else
			redis.call('SET', key, ARGV[3*i-1], 'PX', ttl)
		end
	end
	states[i] = s
end
return states
`)

// dropScript deletes items. The argument for each key is the token.
var dropScript = newScript(allowOOM, compare+`
	local s = state(key, ARGV[i])
	if s == 1 then redis.call('DEL', key) end
	states[i] = s
end
return states
`)

// persistScript takes the TTL off. PERSIST alone does not tell a key without a TTL from
// none.
var persistScript = newScript(allowOOM, `
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
redis.call('PERSIST', KEYS[1])
return 1
`)

// countScript adds ARGV[1] to a number, or takes it away if ARGV[2] is '-'. It wraps at
// 2^64 and stops at 0, which INCRBY does not do. Up to 15 digits it counts in doubles,
// which are exact there; beyond that in two parts, of 10 digits the lower one, for which
// 2^64 is 1844674407 and 3709551616. It returns the digits.
var countScript = newScript("", `
local v = redis.pcall('GET', KEYS[1])
if v == false then return -1 end
if type(v) ~= 'string' then return -2 end
if #v >= 16 and string.sub(v, -4) == MAGIC then v = string.sub(v, 1, -17) end
if not string.find(v, '^%d+$') then return -2 end
v = string.match(v, '^0*(%d+)$')
if #v > 20 or #v == 20 and v > '18446744073709551615' then return -2 end
local d, r = ARGV[1], nil
if #v <= 15 and #d <= 15 then
	if ARGV[2] == '-' then
		r = string.format('%.0f', math.max(v - d, 0))
	else
		r = string.format('%.0f', v + d)
	end
else
	local vh, vl = tonumber(string.sub(v, 1, -11)) or 0, tonumber(string.sub(v, -10))
	local dh, dl = tonumber(string.sub(d, 1, -11)) or 0, tonumber(string.sub(d, -10))
	local h, l
	if ARGV[2] == '-' then
		h, l = vh - dh, vl - dl
		if l < 0 then h, l = h - 1, l + 1e10 end
		if h < 0 then h, l = 0, 0 end
	else
		h, l = vh + dh, vl + dl
		if l >= 1e10 then h, l = h + 1, l - 1e10 end
		if h > 1844674407 or h == 1844674407 and l >= 3709551616 then
			h, l = h - 1844674407, l - 3709551616
			if l < 0 then h, l = h - 1, l + 1e10 end
		end
	end
	if h > 0 then
		r = string.format('%.0f%010.0f', h, l)
	else
		r = string.format('%.0f', l)
	end
end
redis.call('SET', KEYS[1], r, 'KEEPTTL')
return r
`)
