import { isLost } from "../state/connection";
import { dismiss, notices } from "../state/notices";
import { Icon } from "./icons";

export function Notices() {
  return (
    <div class="notices">
      <div role="status">
        {isLost.value && (
          <div class="notice lost">
            <p>
              <b>The server is away.</b> Trying again; nothing you did is lost.
            </p>
          </div>
        )}
      </div>
      <div role="alert">
        {notices.value.map((each) => (
          <div key={each.id} class={`notice ${each.kind}`}>
            <p>
              {each.text} {each.remedy}
            </p>
            {each.action && (
              <button
                type="button"
                class="small"
                onClick={() => {
                  dismiss(each.id);
                  each.action!.run();
                }}
              >
                {each.action.label}
              </button>
            )}
            <button type="button" class="plain" aria-label="Dismiss" onClick={() => dismiss(each.id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}
