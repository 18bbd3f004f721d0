-- What wrk has counted, as one line of JSON.
done = function(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format('\n{"requests":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
      summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
