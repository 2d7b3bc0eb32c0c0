/** The hostcall `emit-event` of `wit/hook.wit`, lowered (component model, canonical ABI): texts, and where the result goes. */
@external("pinion:hook/host@1.0.0", "emit-event")
export declare function emitEvent(kind: usize, kindUnits: u32, data: usize, dataUnits: u32, result: usize): void;
