/**
 * Lua: `lifeOf(key, fresh, ttl)` names the life of the log that this Redis holds; `fresh` when a new one begins.
 * It does when Redis was started anew, or another one has taken over, and may have lost the end of what it had:
 * subscribers have seen events that it does not know, and their numbers must not be given to others. Only a
 * Redis that writes every command to its append-only file and was no replica is trusted to have lost nothing.
 */
export const lifeFunction = `
local function lifeOf(key, fresh, ttl)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local of, life = string.match(redis.call('GET', key) or '', '^(%w+) (.+)$')
  if of ~= run then
    local is_kept = string.find(redis.call('INFO', 'persistence'), 'aof_enabled:1', 1, true)
      and string.find(redis.call('INFO', 'replication'), 'master_replid2:0+%s')
    if not (life and is_kept) then life = fresh end
    redis.call('SET', key, run .. ' ' .. life)
  end
  redis.call('PEXPIRE', key, ttl)
  return life
end`;
