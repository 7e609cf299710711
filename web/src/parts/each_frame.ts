/** Calls as long as the page is seen; gives what ends it. */
export function eachFrame(call: () => void): () => void {
  let frame = 0;
  const next = () => {
    call();
    frame = requestAnimationFrame(next);
  };
  next();
  return () => cancelAnimationFrame(frame);
}
