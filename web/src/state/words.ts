/** Words that the model that ships has learned; any others may be tried. */

export const GENRES = ["rock", "blues", "funk", "reggae", "soul", "jazz", "bossa nova", "folk", "country", "house", "hip hop", "synthpop", "drum and bass"];
export const MOODS = ["melancholic", "dark", "moody", "tense", "relaxed", "dreamy", "happy", "warm", "energetic", "uplifting"];
export const INSTRUMENTS = ["piano", "electric piano", "nylon guitar", "clean electric guitar", "strings", "rock organ", "trumpet", "alto sax", "flute", "saw lead", "vibraphone", "slap bass"];
export const KEYS = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"].flatMap((tonic) => [`${tonic} major`, `${tonic} minor`]);

/** A prompt with a word more, or without it. */
export function toggled(prompt: string, word: string): string {
  const words = wordsOf(prompt);
  const has = words.includes(word);
  return (has ? words.filter((each) => each !== word) : [...words, word]).join(", ");
}

export const wordsOf = (prompt: string): string[] => prompt.split(",").map((each) => each.trim()).filter(Boolean);
