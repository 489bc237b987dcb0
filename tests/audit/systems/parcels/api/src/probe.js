const answer = await fetch(`http://127.0.0.1:${process.env.PORT}/health`, {
  signal: AbortSignal.timeout(2000),
});
process.exit(answer.ok ? 0 : 1);
