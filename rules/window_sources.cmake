set(RULES_WINDOW_SOURCES window.c window_sums.c anomaly.c repeats.c)
