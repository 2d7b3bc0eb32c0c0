/* Adds a note to the goal of a run. */
#include "pinion.h"

static pinion_text note;

pinion_text hook_configure(pinion_text config) {
  note = pinion_string(pinion_member(config, "note"));
  return PINION_OK;
}

pinion_verdict hook_handle(pinion_phase phase, pinion_text payload) {
  (void)phase;
  pinion_text raw = pinion_member(payload, "goal");
  pinion_text goal = pinion_string(raw);
  /* A payload may come by more than once: what is done already is left alone. */
  if (pinion_ends(goal, note)) return pinion_allow(PINION_TEXT("the note is there"));
  pinion_text longer = pinion_quote(pinion_join(goal, PINION_TEXT("\n"), note));
  /* The raw text of a member lies inside the payload, so what is around it can be kept as it is. */
  return pinion_transform(pinion_splice(payload, raw, longer), PINION_TEXT("added the note"));
}
