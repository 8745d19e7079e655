package decode

// commandTable holds every command that a Pika of 2.0 to 4.0.1 has logged, with the number of arguments
// that the most liberal of these versions takes. Where a version logs another form than it was sent,
// the other form is here too.
//
// A command of no lasting effect (padding, reads that have the write flag by mistake) is OpOther.
// What is computed from other keys than its own is OpStore, with the destination as its key.
var commandTable = [...]Command{
	// Strings. The deadline of a value that is written as a whole is part of what it writes.
	{Name: "set", Op: OpSet, Type: TypeString, min: 3, max: many, build: buildSet},
	{Name: "getset", Op: OpSet, Type: TypeString, min: 3, max: 3, build: buildWhole},
	{Name: "setnx", Op: OpSet, Type: TypeString, Effect: EffectRelative, min: 3, max: 3, build: buildWhole},
	{Name: "setex", Op: OpSet, Type: TypeString, min: 4, max: 4, build: buildSetex},
	{Name: "psetex", Op: OpSet, Type: TypeString, min: 4, max: 4, build: buildPsetex},
	{Name: "pksetexat", Op: OpSet, Type: TypeString, min: 4, max: 4, build: buildPksetexat},
	{Name: "mset", Op: OpSet, Type: TypeString, min: 3, max: many, keys: pairs, build: buildPair},
	{Name: "msetnx", Op: OpSet, Type: TypeString, Effect: EffectRelative, min: 3, max: many, keys: pairs, build: buildPair},
	{Name: "append", Op: OpUpdate, Type: TypeString, Effect: EffectRelative, min: 3, max: 3, build: buildPiece},
	{Name: "setrange", Op: OpUpdate, Type: TypeString, drops: drops30To34, min: 4, max: 4, build: buildPieceAt},
	{Name: "setbit", Op: OpUpdate, Type: TypeBitmap, drops: dropsBefore35, min: 4, max: 4, build: buildPieceAt},
	{Name: "incr", Op: OpUpdate, Type: TypeString, Effect: EffectRelative, min: 2, max: 2, build: buildIncr},
	{Name: "decr", Op: OpUpdate, Type: TypeString, Effect: EffectRelative, min: 2, max: 2, build: buildDecr},
	{Name: "incrby", Op: OpUpdate, Type: TypeString, Effect: EffectRelative, min: 3, max: 3, build: buildDelta},
	{Name: "decrby", Op: OpUpdate, Type: TypeString, Effect: EffectRelative, min: 3, max: 3, build: buildDecrby},
	{Name: "incrbyfloat", Op: OpUpdate, Type: TypeString, Effect: EffectRelative, min: 3, max: 3, build: buildDelta},
	{Name: "bitop", Op: OpStore, Type: TypeBitmap, Effect: EffectRelative, drops: dropsAlways, min: 4, max: many, build: buildBitop},

	// Keys of any type.
	{Name: "del", Op: OpDelete, min: 2, max: many, keys: allKeys, build: buildEachKey},
	{Name: "unlink", Op: OpDelete, min: 2, max: many, keys: allKeys, build: buildEachKey},
	{Name: "delvx", Op: OpDelete, Type: TypeString, Effect: EffectRelative, min: 3, max: 3, build: buildKey},
	{Name: "pkpatternmatchdel", Op: OpDelete, Effect: EffectUnknown, min: 2, max: many, build: buildArgs},
	{Name: "expire", Op: OpExpire, min: 3, max: 3, build: buildExpire},
	{Name: "pexpire", Op: OpExpire, min: 3, max: 3, build: buildPexpire},
	{Name: "expireat", Op: OpExpire, min: 3, max: 3, build: buildExpireat},
	{Name: "pexpireat", Op: OpExpire, min: 3, max: 3, build: buildPexpireat},
	{Name: "persist", Op: OpPersist, min: 2, max: 2, build: buildPersist},
	{Name: "flushdb", Op: OpFlush, min: 1, max: many, build: buildArgs},
	{Name: "flushall", Op: OpFlush, min: 1, max: many, build: buildFlushall},

	// Hashes.
	{Name: "hset", Op: OpUpdate, Type: TypeHash, min: 4, max: many, build: buildFields},
	{Name: "hmset", Op: OpUpdate, Type: TypeHash, min: 4, max: many, build: buildFields},
	{Name: "hsetnx", Op: OpUpdate, Type: TypeHash, Effect: EffectRelative, drops: dropsBefore30, min: 4, max: 4, build: buildFields},
	{Name: "hincrby", Op: OpUpdate, Type: TypeHash, Effect: EffectRelative, min: 4, max: 4, build: buildFieldDelta},
	{Name: "hincrbyfloat", Op: OpUpdate, Type: TypeHash, Effect: EffectRelative, min: 4, max: 4, build: buildFieldDelta},
	{Name: "hdel", Op: OpRemove, Type: TypeHash, drops: dropsBefore30, min: 3, max: many, build: buildFieldNames},

	// Lists. Only lset says where in the list its item is, whatever was there before.
	{Name: "lpush", Op: OpUpdate, Type: TypeList, Effect: EffectRelative, min: 3, max: many, build: buildMembers},
	{Name: "rpush", Op: OpUpdate, Type: TypeList, Effect: EffectRelative, min: 3, max: many, build: buildMembers},
	{Name: "lpushx", Op: OpUpdate, Type: TypeList, Effect: EffectRelative, min: 3, max: many, build: buildMembers},
	{Name: "rpushx", Op: OpUpdate, Type: TypeList, Effect: EffectRelative, min: 3, max: many, build: buildMembers},
	{Name: "lset", Op: OpUpdate, Type: TypeList, min: 4, max: 4, build: buildLastMember},
	{Name: "linsert", Op: OpUpdate, Type: TypeList, Effect: EffectRelative, min: 5, max: 5, build: buildLastMember},
	{Name: "lpop", Op: OpRemove, Type: TypeList, Effect: EffectRelative, min: 2, max: 3, build: buildKey},
	{Name: "rpop", Op: OpRemove, Type: TypeList, Effect: EffectRelative, min: 2, max: 3, build: buildKey},
	{Name: "lrem", Op: OpRemove, Type: TypeList, Effect: EffectRelative, min: 4, max: 4, build: buildLastMember},
	{Name: "ltrim", Op: OpRemove, Type: TypeList, Effect: EffectRelative, min: 4, max: 4, build: buildKey},
	{Name: "rpoplpush", Op: OpStore, Type: TypeList, Effect: EffectRelative, drops: dropsBefore30, min: 3, max: 3, build: buildMove},
	// A blocked pop that is served is logged as lpop or rpop. Raw, these would not say which of their
	// keys gave a value.
	{Name: "blpop", Op: OpRemove, Type: TypeList, Effect: EffectUnknown, min: 3, max: many, build: buildKey},
	{Name: "brpop", Op: OpRemove, Type: TypeList, Effect: EffectUnknown, min: 3, max: many, build: buildKey},

	// Sets.
	{Name: "sadd", Op: OpUpdate, Type: TypeSet, min: 3, max: many, build: buildMembers},
	{Name: "srem", Op: OpRemove, Type: TypeSet, min: 3, max: many, build: buildMembers},
	{Name: "spop", Op: OpRemove, Type: TypeSet, Effect: EffectUnknown, min: 2, max: 3, build: buildKey},
	{Name: "smove", Op: OpStore, Type: TypeSet, Effect: EffectRelative, min: 4, max: 4, build: buildMove},
	{Name: "sunionstore", Op: OpStore, Type: TypeSet, Effect: EffectRelative, drops: dropsSince30, min: 3, max: many, build: buildKey},
	{Name: "sinterstore", Op: OpStore, Type: TypeSet, Effect: EffectRelative, drops: dropsSince30, min: 3, max: many, build: buildKey},
	{Name: "sdiffstore", Op: OpStore, Type: TypeSet, Effect: EffectRelative, drops: dropsSince30, min: 3, max: many, build: buildKey},

	// Sorted sets, and the two types that are made of other types.
	{Name: "zadd", Op: OpUpdate, Type: TypeZset, min: 4, max: many, build: buildZadd},
	{Name: "zincrby", Op: OpUpdate, Type: TypeZset, Effect: EffectRelative, min: 4, max: 4, build: buildZincrby},
	{Name: "zrem", Op: OpRemove, Type: TypeZset, min: 3, max: many, build: buildMembers},
	{Name: "zremrangebyscore", Op: OpRemove, Type: TypeZset, min: 4, max: 4, build: buildKey},
	{Name: "zremrangebylex", Op: OpRemove, Type: TypeZset, min: 4, max: 4, build: buildKey},
	{Name: "zremrangebyrank", Op: OpRemove, Type: TypeZset, Effect: EffectRelative, min: 4, max: 4, build: buildKey},
	{Name: "zpopmin", Op: OpRemove, Type: TypeZset, Effect: EffectRelative, min: 2, max: 3, build: buildKey},
	{Name: "zpopmax", Op: OpRemove, Type: TypeZset, Effect: EffectRelative, min: 2, max: 3, build: buildKey},
	{Name: "zunionstore", Op: OpStore, Type: TypeZset, Effect: EffectRelative, drops: dropsSince30, min: 4, max: many, build: buildKey},
	{Name: "zinterstore", Op: OpStore, Type: TypeZset, Effect: EffectRelative, drops: dropsSince30, min: 4, max: many, build: buildKey},
	{Name: "geoadd", Op: OpUpdate, Type: TypeGeo, min: 5, max: many, build: buildGeoadd},
	{Name: "pfadd", Op: OpUpdate, Type: TypeHLL, min: 2, max: many, build: buildMembers},
	{Name: "pfmerge", Op: OpStore, Type: TypeHLL, Effect: EffectRelative, min: 2, max: many, build: buildKey},

	// Streams.
	{Name: "xadd", Op: OpUpdate, Type: TypeStream, min: 5, max: many, build: buildXadd},
	{Name: "xdel", Op: OpRemove, Type: TypeStream, min: 3, max: many, build: buildMembers},
	{Name: "xtrim", Op: OpRemove, Type: TypeStream, min: 4, max: many, build: buildXtrim},

	// Logged, and without effect on data.
	{Name: "padding", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "dummy", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "clearcache", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "clearreplicationid", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "slotsmgrt-exec-wrapper", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "sunion", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "sinter", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "sdiff", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "select", NoEffect: true, min: 1, max: many, build: buildArgs},
	{Name: "zcard", NoEffect: true, min: 1, max: many, build: buildArgs},
}
