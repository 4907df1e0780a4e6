// horn: the sound itself.  Two tones for red, faster the worse the level; nothing is loaded from anywhere.

const PERIOD_MS = { red: 1000, orange: 2000, yellow: 4000, blue: 8000 };

export class Horn {
  #context = null;
  #timer = 0;
  #level = null;

  get on() {
    return this.#context !== null && this.#context.state === "running";
  }

  // Browsers allow sound only once somebody has clicked.
  async turnOn() {
    this.#context ??= new AudioContext();
    await this.#context.resume();
  }

  play(level) {
    if (level === this.#level) {
      return;
    }
    this.#level = level;
    clearInterval(this.#timer);
    if (level !== null) {
      const beat = () => this.#beat(level);
      beat();
      this.#timer = setInterval(beat, PERIOD_MS[level] ?? PERIOD_MS.blue);
    }
  }

  #beat(level) {
    if (!this.on) {
      return;
    }
    this.#tone(level === "blue" ? 520 : 780, 0);
    if (level === "red" || level === "orange") {
      this.#tone(1040, 0.22);
    }
  }

  #tone(hertz, after) {
    const at = this.#context.currentTime + after;
    const source = this.#context.createOscillator();
    const volume = this.#context.createGain();
    source.frequency.value = hertz;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.3, at + 0.02);
    volume.gain.linearRampToValueAtTime(0, at + 0.2);
    source.connect(volume).connect(this.#context.destination);
    source.start(at);
    source.stop(at + 0.22);
  }
}
