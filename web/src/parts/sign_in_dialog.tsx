/** A key, where the server asks for one. */

import { useSignal } from "@preact/signals";
import { api, Refused } from "../api/client";
import { signInWanted } from "../state/notices";
import { Dialog } from "./dialog";

export function SignInDialog() {
  const problem = useSignal("");
  const send = async (event: Event) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get("key") as string;
    try {
      await api.signIn(key.trim());
      location.reload();
    } catch (fault) {
      problem.value = fault instanceof Refused ? `${fault.message}: ${fault.remedy}.` : "The server does not answer. Try again.";
    }
  };
  return (
    <Dialog title="This studio asks for a key" onClose={() => (signInWanted.value = false)}>
      <form class="stack" onSubmit={send}>
        <label class="field">
          <span>Key</span>
          <input name="key" type="password" required autofocus autocomplete="current-password" placeholder="sw_…" aria-describedby="key-help" />
        </label>
        <p id="key-help" class="fine">
          Whoever runs the server makes one with <code>stemwright keys create</code>. It is given once; this browser then keeps a cookie for 12 hours.
        </p>
        {problem.value && <p role="alert" class="problem">{problem.value}</p>}
        <button type="submit" class="go small-go">
          <b>Come in</b>
        </button>
      </form>
    </Dialog>
  );
}
