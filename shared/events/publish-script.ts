import { lifeFunction } from './log-life.js';

/**
 * The one atomic step that publishes: gives each event the next `seq` of each of its topics, appends it to
 * their streams and rings the doorbell. Events of one scope go in by their number, without a hole and once:
 * one that Redis has already is passed over, one that comes too early stops the step. A topic of another life
 * of the log begins a new epoch.
 *
 * KEYS  1 scope key · 2 life key · then a head and a stream per topic
 * ARGV  1 ttl of all keys, ms · 2 stream length · 3 age of entries, ms · 4 epoch for topics that have none
 *       5 number before the first event, used when Redis knows no number ('' when the caller does not know)
 *       6 the number at which the log's tail was lost, '' when it was not: topics get a new epoch there
 *       7 doorbell channel · 8 number of topics · then their names · then per event: number, its topics as
 *       places in the list ("1,2"), body
 * gives {'ok' | 'gap' | 'unknown', last number that Redis holds}
 */
export const publishScript = `
${lifeFunction}
local ttl, maxlen, maxage = ARGV[1], ARGV[2], tonumber(ARGV[3])
local known = redis.call('GET', KEYS[1])
local last = tonumber(known or ARGV[5])
if not last then return {'unknown', 0} end
local topics = tonumber(ARGV[8])
if ARGV[6] ~= '' and known and tonumber(ARGV[6]) == last then
  for t = 1, topics do redis.call('DEL', KEYS[2 * t + 1], KEYS[2 * t + 2]) end
  last = tonumber(ARGV[5])
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life = lifeOf(KEYS[2], ARGV[4], ttl)
local seqs, rung = {}, {}
local answer = 'ok'
for i = 9 + topics, #ARGV, 3 do
  local no = tonumber(ARGV[i])
  if no > last + 1 then answer = 'gap' break end
  if no == last + 1 then
    for place in string.gmatch(ARGV[i + 1], '%d+') do
      local t = tonumber(place)
      local head, stream = KEYS[2 * t + 1], KEYS[2 * t + 2]
      if not seqs[t] then
        local at = redis.call('HMGET', head, 'seq', 'life')
        seqs[t] = at[2] == life and tonumber(at[1])
        if not seqs[t] then
          redis.call('DEL', stream)
          redis.call('HSET', head, 'epoch', ARGV[4], 'seq', 0, 'life', life)
          seqs[t] = 0
        end
      end
      seqs[t] = seqs[t] + 1
      redis.call('XADD', stream, 'MAXLEN', '~', maxlen, seqs[t] .. '-0', 't', now, 'e', ARGV[i + 2])
      if seqs[t] % 256 == 0 then
        local old
        for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', 512)) do
          if tonumber(entry[2][2]) > now - maxage then break end
          old = tonumber(string.match(entry[1], '%d+'))
        end
        if old then redis.call('XTRIM', stream, 'MINID', old + 1) end
      end
      rung[t] = true
    end
    last = no
  end
end
redis.call('SET', KEYS[1], last, 'PX', ttl)
for t in pairs(rung) do
  redis.call('HSET', KEYS[2 * t + 1], 'seq', seqs[t])
  redis.call('PEXPIRE', KEYS[2 * t + 1], ttl)
  redis.call('PEXPIRE', KEYS[2 * t + 2], ttl)
  redis.call('PUBLISH', ARGV[7], ARGV[8 + t])
end
return {answer, last}
`;
