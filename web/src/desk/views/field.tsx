import type { Signal } from "@preact/signals";

import { errorAt } from "../state/placing";

/** A text field of the ticket, with the server's message about it below. */
export function Field(props: {
  name: string;
  label: string;
  value: Signal<string>;
  unit?: string;
  hint?: string;
  decimal?: boolean;
}) {
  const error = errorAt(props.name);
  const id = `field-${props.name}`;
  return (
    <div class="field">
      <label for={id}>
        {props.label} {props.hint && <span class="quiet">({props.hint})</span>}
      </label>
      <span class="input">
        <input
          id={id}
          name={props.name}
          type="text"
          autoComplete="off"
          spellcheck={false}
          inputMode={props.decimal ? "decimal" : "text"}
          value={props.value.value}
          aria-invalid={error ? "true" : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
          onInput={(event) => {
            props.value.value = event.currentTarget.value;
          }}
        />
        {props.unit && <span class="unit">{props.unit}</span>}
      </span>
      {error && (
        <p id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
