/* Counts the boundaries that were blocked. */
#include "pinion.h"

static unsigned count = 0;

pinion_text hook_configure(pinion_text config) {
  (void)config;
  return PINION_OK;
}

pinion_verdict hook_handle(pinion_phase phase, pinion_text payload) {
  (void)phase;
  if (pinion_equal(pinion_string(pinion_member(payload, "decision")), PINION_TEXT("block"))) {
    count += 1;
    pinion_text data = pinion_join(PINION_TEXT("{\"boundary\":"), pinion_member(payload, "boundary"),
                                   PINION_TEXT(",\"count\":"), pinion_number(count), PINION_TEXT("}"));
    pinion_text refused = pinion_emit(PINION_TEXT("blocked"), data);
    if (refused.length > 0) return pinion_fail(refused);
  }
  return pinion_allow(PINION_TEXT("seen"));
}
