/* Blocks the tools that its configuration names. */
#include "pinion.h"

static pinion_text deny;

pinion_text hook_configure(pinion_text config) {
  deny = pinion_member(config, "deny");
  return PINION_OK;
}

pinion_verdict hook_handle(pinion_phase phase, pinion_text payload) {
  (void)phase;
  pinion_text tool = pinion_member(pinion_member(payload, "call"), "tool");
  pinion_text name = pinion_string(tool);
  for (unsigned i = 0; i < pinion_count(deny); i++) {
    if (!pinion_equal(pinion_string(pinion_element(deny, i)), name)) continue;
    pinion_text data = pinion_join(PINION_TEXT("{\"tool\":"), tool, PINION_TEXT("}"));
    pinion_text refused = pinion_emit(PINION_TEXT("denied"), data);
    if (refused.length > 0) return pinion_fail(refused);
    return pinion_block(pinion_join(PINION_TEXT("`"), name, PINION_TEXT("` is denied here")));
  }
  return pinion_allow(pinion_join(PINION_TEXT("`"), name, PINION_TEXT("` is not denied")));
}
