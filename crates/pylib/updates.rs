//! Faults of the library that the newest release of Python 3.14 does not have, in the form of `repairs.rs`: most
//! made somebody wait for ever.

pub const UPDATES: &[(&str, &str, &str)] = &[
    // Without a transport nobody closes the socket.
    (
        "asyncio/base_events.py",
        r#"        protocol = protocol_factory()
        waiter = self.create_future()
        if ssl:
            sslcontext = None if isinstance(ssl, bool) else ssl
            transport = self._make_ssl_transport(
                sock, protocol, sslcontext, waiter,
                server_side=server_side, server_hostname=server_hostname,
                ssl_handshake_timeout=ssl_handshake_timeout,
                ssl_shutdown_timeout=ssl_shutdown_timeout)
        else:
            transport = self._make_socket_transport(sock, protocol, waiter)

        try:
            await waiter
        except:
            transport.close()
            raise

        return transport, protocol

    async def sendfile("#,
        r#"        try:
            protocol = protocol_factory()
            waiter = self.create_future()
            if ssl:
                sslcontext = None if isinstance(ssl, bool) else ssl
                transport = self._make_ssl_transport(
                    sock, protocol, sslcontext, waiter,
                    server_side=server_side, server_hostname=server_hostname,
                    ssl_handshake_timeout=ssl_handshake_timeout,
                    ssl_shutdown_timeout=ssl_shutdown_timeout)
            else:
                transport = self._make_socket_transport(sock, protocol, waiter)
        except:
            sock.close()
            raise

        try:
            await waiter
        except:
            transport.close()
            raise

        return transport, protocol

    async def sendfile("#,
    ),
    // A process has ended even if somebody else holds its pipes.
    (
        "asyncio/base_subprocess.py",
        r#"        if not self._pipes_connected:
            # self._pipes_connected can be False if not all pipes were connected
            # because either the process failed to start or the self._connect_pipes task
            # got cancelled. In this broken state we consider all pipes disconnected and
            # to avoid hanging forever in self._wait as otherwise _exit_waiters
            # would never be woken up, we wake them up here.
            for waiter in self._exit_waiters:
                if not waiter.done():
                    waiter.set_result(self._returncode)
"#,
        r#"        for waiter in self._exit_waiters:
            if not waiter.done():
                waiter.set_result(self._returncode)
"#,
    ),
    // A peer that does not read must not delay the end of a connection for ever.
    (
        "asyncio/sslproto.py",
        r#"    def _on_shutdown_complete(self, shutdown_exc):
        if self._shutdown_timeout_handle is not None:
            self._shutdown_timeout_handle.cancel()
            self._shutdown_timeout_handle = None

        if shutdown_exc:
            self._fatal_error(shutdown_exc)
        else:
            self._loop.call_soon(self._transport.close)
"#,
        r#"    def _on_shutdown_complete(self, shutdown_exc):
        timer = self._shutdown_timeout_handle
        if shutdown_exc:
            self._shutdown_timeout_handle = None
            if timer is not None:
                timer.cancel()
            self._fatal_error(shutdown_exc)
            return
        if timer is None:
            self._shutdown_timeout_handle = self._loop.call_later(
                self._ssl_shutdown_timeout, self._check_shutdown_timeout
            )
        self._loop.call_soon(self._transport.close)
"#,
    ),
    // What is empty cannot be sent: it stayed in the buffer for ever.
    (
        "asyncio/selector_events.py",
        r#"        self._buffer.extend([memoryview(data) for data in list_of_data])
        self._write_ready()
"#,
        r#"        views = [memoryview(data) for data in list_of_data]
        self._buffer.extend([view for view in views if view.nbytes])
        if not self._buffer:
            return
        self._write_ready()
"#,
    ),
    // `resume_writing` may close the transport, which then tells of that itself.
    (
        "asyncio/selector_events.py",
        r#"                if self._closing:
                    self._call_connection_lost(None)
                elif self._eof:
                    self._sock.shutdown(socket.SHUT_WR)

    def write_eof(self):
"#,
        r#"                if self._closing:
                    if not self._conn_lost:
                        self._call_connection_lost(None)
                elif self._eof:
                    self._sock.shutdown(socket.SHUT_WR)

    def write_eof(self):
"#,
    ),
    (
        "asyncio/selector_events.py",
        r#"                if self._closing:
                    self._call_connection_lost(None)
                elif self._eof:
                    self._sock.shutdown(socket.SHUT_WR)

    def _adjust_leftover"#,
        r#"                if self._closing:
                    if not self._conn_lost:
                        self._call_connection_lost(None)
                elif self._eof:
                    self._sock.shutdown(socket.SHUT_WR)

    def _adjust_leftover"#,
    ),
    // A callback that is no coroutine function can fail, too; the client waited for ever.
    (
        "asyncio/streams.py",
        r#"            res = self._client_connected_cb(reader, writer)
            if coroutines.iscoroutine(res):
                def callback(task):
                    if task.cancelled():
                        transport.close()
                        return
                    exc = task.exception()
                    if exc is not None:
                        self._loop.call_exception_handler({
                            'message': 'Unhandled exception in client_connected_cb',
                            'exception': exc,
                            'transport': transport,
                        })
                        transport.close()
"#,
        r#"            def failed(exc):
                self._loop.call_exception_handler({
                    'message': 'Unhandled exception in client_connected_cb',
                    'exception': exc,
                    'transport': transport,
                })
                transport.close()

            try:
                res = self._client_connected_cb(reader, writer)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as exc:
                failed(exc)
                res = None
            if coroutines.iscoroutine(res):
                def callback(task):
                    if task.cancelled():
                        transport.close()
                        return
                    exc = task.exception()
                    if exc is not None:
                        failed(exc)
"#,
    ),
    // After `start_tls`, the reader paused and resumed the transport below.
    (
        "asyncio/streams.py",
        r#"        loop = self._loop
        self._transport = transport
        self._over_ssl"#,
        r#"        self._transport = transport
        reader = self._stream_reader
        if reader is not None:
            reader._transport = transport
        self._over_ssl"#,
    ),
    // Between the end of a child and the news of it, its number could belong to another process.
    (
        "asyncio/unix_events.py",
        r#"        self.call_soon_threadsafe(transp._process_exited, returncode)
"#,
        r#"        transp._process_exited(returncode)
"#,
    ),
    (
        "asyncio/unix_events.py",
        r#"        try:
            pid, status = os.waitpid(expected_pid, 0)
        except ChildProcessError:
            # The child process is already reaped
            # (may happen if waitpid() is called elsewhere).
            pid = expected_pid
            returncode = 255
            logger.warning(
                "Unknown child process pid %d, will report returncode 255",
                pid)
        else:
            returncode = waitstatus_to_exitcode(status)
            if loop.get_debug():
                logger.debug('process %s exited with returncode %s',
                             expected_pid, returncode)

        if loop.is_closed():
            logger.warning("Loop %r that handles pid %r is closed", loop, pid)
        else:
            loop.call_soon_threadsafe(callback, pid, returncode, *args)

        self._threads.pop(expected_pid)
"#,
        r#"        try:
            # The child stays: the loop's thread takes it and tells of it in one step.
            os.waitid(os.P_PID, expected_pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass  # Somebody else took it, as the next step sees.

        if loop.is_closed():
            self._reap(loop, expected_pid)
            logger.warning("Loop %r that handles pid %r is closed",
                           loop, expected_pid)
        else:
            loop.call_soon_threadsafe(self._publish, loop, expected_pid,
                                      callback, args)

        self._threads.pop(expected_pid)

    def _publish(self, loop, pid, callback, args):
        callback(pid, self._reap(loop, pid), *args)

    def _reap(self, loop, pid):
        try:
            _, status = os.waitpid(pid, 0)
        except ChildProcessError:
            logger.warning(
                "Unknown child process pid %d, will report returncode 255",
                pid)
            return 255
        returncode = waitstatus_to_exitcode(status)
        if loop.get_debug():
            logger.debug('process %s exited with returncode %s',
                         pid, returncode)
        return returncode
"#,
    ),
    // Whatever becomes of the child, its descriptor is closed.
    (
        "asyncio/unix_events.py",
        r#"            returncode = waitstatus_to_exitcode(status)

        os.close(pidfd)
        callback("#,
        r#"            returncode = waitstatus_to_exitcode(status)
        finally:
            os.close(pidfd)

        callback("#,
    ),
    // Workers that have done `max_tasks_per_child` are replaced while there is work; what nobody can do fails.
    (
        "concurrent/futures/process.py",
        r#"                process_exited = result_item.exit_pid is not None
                if process_exited:
                    p = self.processes.pop(result_item.exit_pid)
                    p.join()
"#,
        r#"                process_exited = result_item.exit_pid is not None
                if process_exited:
                    with self.shutdown_lock:
                        p = self.processes.pop(result_item.exit_pid)
                    p.join()
                    reason, cause = self.replace_worker()
                    if reason is not None:
                        self.terminate_broken(cause, reason)
                        return
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"                if executor := self.executor_reference():
                    if process_exited:
                        with self.shutdown_lock:
                            executor._adjust_process_count()
                    else:
                        executor._idle_worker_semaphore.release()
                    del executor
"#,
        r#"                if not process_exited and (executor := self.executor_reference()):
                    executor._idle_worker_semaphore.release()
                    del executor
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"    def add_call_item_to_queue(self):
"#,
        r#"    def replace_worker(self):
        # Starts a worker in the place of one that is gone, if there is more work
        # than workers. The reason why the pending work cannot be done, and a cause,
        # if there is nobody left to do it.
        with self.shutdown_lock:
            executor = self.executor_reference()
            if executor is not None:
                # No more workers can be idle than there are.
                idle = executor._idle_worker_semaphore
                while idle._value > len(self.processes):
                    if not idle.acquire(blocking=False):
                        break
            if len(self.pending_work_items) <= len(self.processes):
                return None, None
            cause = None
            if executor is None:
                reason = ("The ProcessPoolExecutor was garbage collected with "
                          "work pending after its last worker process exited "
                          "upon reaching max_tasks_per_child; the pending work "
                          "can never be run.")
            elif executor._force_shutting_down:
                reason = ("A worker process exited while the pool was being "
                          "forcefully shut down; work that was still enqueued "
                          "will not be run.")
            elif len(self.processes) >= executor._max_workers:
                return None, None
            else:
                try:
                    _spawn_worker(executor, self.call_queue,
                                  self.result_queue, self.processes)
                    return None, None
                except Exception as exc:
                    cause = format_exception(exc)
                    reason = ("A replacement worker process could not be "
                              "started, leaving the pool without workers to "
                              "run the remaining work.")
            if self.processes:
                # They get to it.
                return None, None
            return reason, cause

    def add_call_item_to_queue(self):
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"    def _terminate_broken(self, cause):
"#,
        r#"    def _terminate_broken(self, cause, reason=None):
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"            executor._broken = ('A child process terminated '
                                'abruptly, the process pool is not '
                                'usable anymore')
"#,
        r#"            executor._broken = reason or ('A child process terminated '
                                          'abruptly, the process pool is not '
                                          'usable anymore')
"#,
    ),
    // Futures that share an exception share its traceback, too.
    (
        "concurrent/futures/process.py",
        r#"        bpe = BrokenProcessPool("A process in the process pool was "
                                "terminated abruptly while the future was "
                                "running or pending.")
        if cause is not None:
            bpe.__cause__ = _RemoteTraceback(
                f"\n'''\n{''.join(cause)}'''")

        # Mark pending tasks as failed.
        for work_id, work_item in self.pending_work_items.items():
            try:
"#,
        r#"        reason = reason or ("A process in the process pool was "
                            "terminated abruptly while the future was "
                            "running or pending.")

        # Mark pending tasks as failed.
        for work_id, work_item in self.pending_work_items.items():
            bpe = BrokenProcessPool(reason)
            if cause is not None:
                bpe.__cause__ = _RemoteTraceback(
                    f"\n'''\n{''.join(cause)}'''")
            try:
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"    def terminate_broken(self, cause):
        with self.shutdown_lock:
            self._terminate_broken(cause)
"#,
        r#"    def terminate_broken(self, cause, reason=None):
        with self.shutdown_lock:
            self._terminate_broken(cause, reason)
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"_system_limits_checked = False
_system_limited = None
"#,
        r#"def _spawn_worker(executor, call_queue, result_queue, processes):
    p = executor._mp_context.Process(
        target=_process_worker,
        args=(call_queue,
              result_queue,
              executor._initializer,
              executor._initargs,
              executor._max_tasks_per_child))
    p.start()
    processes[p.pid] = p


_system_limits_checked = False
_system_limited = None
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"        self._cancel_pending_futures = False

        # _ThreadWakeup is"#,
        r#"        self._cancel_pending_futures = False
        self._force_shutting_down = False

        # _ThreadWakeup is"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"        if self._idle_worker_semaphore.acquire(blocking=False):
            return

        process_count"#,
        r#"        # (Who told of being idle may have reached max_tasks_per_child since.)
        if self._processes and self._idle_worker_semaphore.acquire(blocking=False):
            return

        process_count"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"        p = self._mp_context.Process(
            target=_process_worker,
            args=(self._call_queue,
                  self._result_queue,
                  self._initializer,
                  self._initargs,
                  self._max_tasks_per_child))
        p.start()
        self._processes[p.pid] = p
"#,
        r#"        _spawn_worker(self, self._call_queue, self._result_queue,
                      self._processes)
"#,
    ),
    (
        "concurrent/futures/process.py",
        r#"        processes = {}
        if self._processes:
            processes = self._processes.copy()
"#,
        r#"        processes = {}
        with self._shutdown_lock:
            self._force_shutting_down = True
            if self._processes:
                processes = self._processes.copy()
"#,
    ),
    // What the server says of its capabilities when somebody logs in stays for `response`.
    (
        "imaplib.py",
        r#"    def _refresh_capabilities(self):
        # Use a CAPABILITY response sent by the server, or ask for it.
        if 'CAPABILITY' in self.untagged_responses:
            dat = self.untagged_responses.pop('CAPABILITY')[-1]
"#,
        r#"    def _refresh_capabilities(self, keep=False):
        # Use a CAPABILITY response sent by the server, or ask for it.
        if 'CAPABILITY' in self.untagged_responses:
            dat = self.untagged_responses['CAPABILITY'][-1]
            if not keep:
                del self.untagged_responses['CAPABILITY']
"#,
    ),
    (
        "imaplib.py",
        r#"        self._refresh_capabilities()
        return typ, dat


    def capability"#,
        r#"        self._refresh_capabilities(keep=True)
        return typ, dat


    def capability"#,
    ),
    (
        "imaplib.py",
        r#"        self._refresh_capabilities()
        return typ, dat


    def login_cram_md5"#,
        r#"        self._refresh_capabilities(keep=True)
        return typ, dat


    def login_cram_md5"#,
    ),
    // A handler may take itself away.
    (
        "logging/__init__.py",
        r#"            for hdlr in c.handlers:
                found = found + 1
"#,
        r#"            for hdlr in tuple(c.handlers):
                found = found + 1
"#,
    ),
    // A file that cannot be opened is an error of the handler.
    (
        "logging/__init__.py",
        r#"            if self.mode != 'w' or not self._closed:
                self.stream = self._open()
"#,
        r#"            if self.mode != 'w' or not self._closed:
                try:
                    self.stream = self._open()
                except Exception:
                    self.handleError(record)
                    return
"#,
    ),
    // Who waits for the server hears of it even if there is none.
    (
        "logging/config.py",
        r#"            server = self.rcvr(port=self.port, handler=self.hdlr,
                               ready=self.ready,
                               verify=self.verify)
            if self.port == 0:
                self.port = server.server_address[1]
            self.ready.set()
"#,
        r#"            try:
                server = self.rcvr(port=self.port, handler=self.hdlr,
                                   ready=self.ready,
                                   verify=self.verify)
                if self.port == 0:
                    self.port = server.server_address[1]
            finally:
                self.ready.set()
"#,
    ),
    (
        "logging/handlers.py",
        r#"        self.reopenIfNeeded()
        logging.FileHandler.emit(self, record)
"#,
        r#"        try:
            self.reopenIfNeeded()
        except Exception:
            self.handleError(record)
            return
        logging.FileHandler.emit(self, record)
"#,
    ),
    // A rollover that did not work is not tried again with every record.
    (
        "logging/handlers.py",
        r#"            # Already rolled over.
            return

        if self.stream:
            self.stream.close()
            self.stream = None
        self.rotate(self.baseFilename, dfn)
        if self.backupCount > 0:
            for s in self.getFilesToDelete():
                os.remove(s)
        if not self.delay:
            self.stream = self._open()
        self.rolloverAt = self.computeRollover(currentTime)
"#,
        r#"            # Already rolled over.
            self.rolloverAt = self.computeRollover(currentTime)
            return

        if self.stream:
            self.stream.close()
            self.stream = None
        self.rotate(self.baseFilename, dfn)
        self.rolloverAt = self.computeRollover(currentTime)
        if self.backupCount > 0:
            for s in self.getFilesToDelete():
                os.remove(s)
        if not self.delay:
            self.stream = self._open()
"#,
    ),
    // The name may be known later, when there is something to send.
    (
        "logging/handlers.py",
        r#"        self.socket = None
        self.createSocket()
"#,
        r#"        self.socket = None
        try:
            self.createSocket()
        except socket.gaierror:
            pass
"#,
    ),
    // `breakpoint()` at the prompt forgot the frame that the prompt is about.
    (
        "pdb.py",
        r#"    def set_trace(self, frame=None, *, commands=None):
        Pdb._last_pdb_instance = self
"#,
        r#"    def set_trace(self, frame=None, *, commands=None):
        Pdb._last_pdb_instance = self
        if getattr(self, 'curframe', None) is not None:
            return
"#,
    ),
    // What nests too deeply is no SyntaxError.
    (
        "pdb.py",
        r#"        except SyntaxError as exc:
            return _rstr(self._format_exc(exc))
        return ""
"#,
        r#"        except Exception as exc:
            return _rstr(self._format_exc(exc))
        return ""
"#,
    ),
    // As for `wrap_socket`: without a name, nobody checks whose certificate it is.
    (
        "ssl.py",
        r#"        self = cls.__new__(cls)
        sslobj = context._wrap_bio(
"#,
        r#"        if server_side:
            if server_hostname:
                raise ValueError("server_hostname can only be specified "
                                 "in client mode")
            if session is not None:
                raise ValueError("session can only be specified in "
                                 "client mode")
        if context.check_hostname and not server_hostname:
            raise ValueError("check_hostname requires server_hostname")

        self = cls.__new__(cls)
        sslobj = context._wrap_bio(
"#,
    ),
    // What is white space in XML is less than what it is in Unicode.
    (
        "xml/etree/ElementTree.py",
        r#"if not elem.text or not elem.text.strip():"#,
        r#"if not elem.text or not elem.text.strip(" \t\r\n"):"#,
    ),
    (
        "xml/etree/ElementTree.py",
        r#"if not child.tail or not child.tail.strip():"#,
        r#"if not child.tail or not child.tail.strip(" \t\r\n"):"#,
    ),
    (
        "xml/etree/ElementTree.py",
        r#"        if not child.tail.strip():"#,
        r#"        if not child.tail.strip(" \t\r\n"):"#,
    ),
    (
        "xml/etree/ElementTree.py",
        r#"            data = data.strip()
        if self._pending_start"#,
        r#"            data = data.strip(" \t\r\n")
        if self._pending_start"#,
    ),
    (
        "xml/dom/expatbuilder.py",
        r#"if child.nodeType == TEXT_NODE and not child.data.strip():"#,
        r#"if child.nodeType == TEXT_NODE and not child.data.strip(" \t\r\n"):"#,
    ),
    (
        "xml/dom/minidom.py",
        r#"        if self.data.strip():
            return False
        elem ="#,
        r#"        if self.data.strip(" \t\r\n"):
            return False
        elem ="#,
    ),
    // Namespaces are values like others: they have to be quoted.
    (
        "xml/sax/saxutils.py",
        r#"                self._write(' xmlns:%s="%s"' % (prefix, uri))
            else:
                self._write(' xmlns="%s"' % uri)
"#,
        r#"                self._write(' xmlns:' + prefix + '=' + quoteattr(uri))
            else:
                self._write(' xmlns=' + quoteattr(uri))
"#,
    ),
    // One search for all children of an element that have the same tag.
    (
        "xml/etree/ElementPath.py",
        r#"            parent_map = get_parent_map(context)
            for elem in result:
                try:
                    parent = parent_map[elem]
                    # FIXME: what if the selector is "*" ?
                    elems = list(parent.findall(elem.tag))
                    if elems[index] is elem:
                        yield elem
                except (IndexError, KeyError):
                    pass
"#,
        r#"            parent_map = get_parent_map(context)
            chosen = {}
            for elem in result:
                parent = parent_map.get(elem)
                if parent is None:
                    continue
                place = parent, elem.tag
                if place not in chosen:
                    elems = parent.findall(elem.tag)
                    inside = -len(elems) <= index < len(elems)
                    chosen[place] = elems[index] if inside else None
                if chosen[place] is elem:
                    yield elem
"#,
    ),
    // The parser of Python code has a handler for the document type.
    (
        "xml/etree/ElementTree.py",
        r#"        elif prefix == "<" and text[:9] == "<!DOCTYPE":
            self._doctype = [] # inside a doctype declaration
        elif self._doctype is not None:
            # parse doctype contents
            if prefix == ">":
                self._doctype = None
                return
            text = text.strip()
            if not text:
                return
            self._doctype.append(text)
            n = len(self._doctype)
            if n > 2:
                type = self._doctype[1]
                if type == "PUBLIC" and n == 4:
                    name, type, pubid, system = self._doctype
                    if pubid:
                        pubid = pubid[1:-1]
                elif type == "SYSTEM" and n == 3:
                    name, type, system = self._doctype
                    pubid = None
                else:
                    return
                if hasattr(self.target, "doctype"):
                    self.target.doctype(name, pubid, system[1:-1])
                elif hasattr(self, "doctype"):
                    warnings.warn(
                        "The doctype() method of XMLParser is ignored.  "
                        "Define doctype() method on the TreeBuilder target.",
                        RuntimeWarning)

                self._doctype = None

"#,
        r#"
    def _start_doctype(self, name, system, pubid, has_internal_subset):
        if hasattr(self.target, "doctype"):
            self.target.doctype(name, pubid, system)
        elif hasattr(self, "doctype"):
            warnings.warn(
                "The doctype() method of XMLParser is ignored.  "
                "Define doctype() method on the TreeBuilder target.",
                RuntimeWarning)

"#,
    ),
    (
        "xml/etree/ElementTree.py",
        r#"            parser.ProcessingInstructionHandler = target.pi
        # Configure"#,
        r#"            parser.ProcessingInstructionHandler = target.pi
        parser.StartDoctypeDeclHandler = self._start_doctype
        # Configure"#,
    ),
    (
        "xml/etree/ElementTree.py",
        r#"        self._doctype = None
        self.entity"#,
        r#"        self.entity"#,
    ),
    // A breakpoint takes itself off the list that is walked.
    (
        "bdb.py",
        r#"            for bp in blist:
                bp.deleteMe()
        del self.breaks[filename]
"#,
        r#"            for bp in blist[:]:
                bp.deleteMe()
        del self.breaks[filename]
"#,
    ),
    // Source that nests too deeply is no end of the console.
    (
        "code.py",
        r#"        except (OverflowError, SyntaxError, ValueError):
"#,
        r#"        except Exception:
"#,
    ),
    (
        "tabnanny.py",
        r#"        errprint("Usage:", sys.argv[0], "[-v] file_or_directory ...")
"#,
        r#"        errprint(f"Usage: {sys.executable} -m tabnanny [-v] file_or_directory ...")
"#,
    ),
    // A message may be something that has no truth.
    (
        "traceback.py",
        r#"        msg = self.msg or "<no detail available>"
"#,
        r#"        msg = self.msg
        try:
            msg = msg or "<no detail available>"
        except TypeError:
            pass
"#,
    ),
    // Paths that are no UTF-8.
    (
        "pydoc.py",
        r#"            url = urllib.parse.quote(path)
"#,
        r#"            import urllib.request
            url = urllib.request.pathname2url(path)
"#,
    ),
    (
        "pydoc.py",
        r#"    with open(name + '.html', 'w', encoding='utf-8') as file:
"#,
        r#"    with open(name + '.html', 'w', encoding='utf-8',
              errors='backslashreplace') as file:
"#,
    ),
    (
        "pydoc.py",
        r#"                self.path, content_type).encode('utf-8'))
"#,
        r#"                self.path, content_type).encode('utf-8', 'backslashreplace'))
"#,
    ),
    // The list of libraries is native.
    (
        "ctypes/util.py",
        r##"# Listing loaded libraries on other systems will try to use
# functions common to Linux and a few other Unix-like systems.
# See the following for several platforms' documentation of the same API:
# https://man7.org/linux/man-pages/man3/dl_iterate_phdr.3.html
# https://man.freebsd.org/cgi/man.cgi?query=dl_iterate_phdr
# https://man.openbsd.org/dl_iterate_phdr
# https://docs.oracle.com/cd/E88353_01/html/E37843/dl-iterate-phdr-3c.html
if (os.name == "posix" and
    sys.platform not in {"darwin", "ios", "tvos", "watchos"}):
    import ctypes
    if hasattr((_libc := ctypes.CDLL(None)), "dl_iterate_phdr"):

        class _dl_phdr_info(ctypes.Structure):
            _fields_ = [
                ("dlpi_addr", ctypes.c_void_p),
                ("dlpi_name", ctypes.c_char_p),
                ("dlpi_phdr", ctypes.c_void_p),
                ("dlpi_phnum", ctypes.c_ushort),
            ]

        _dl_phdr_callback = ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.POINTER(_dl_phdr_info),
            ctypes.c_size_t,
            ctypes.POINTER(ctypes.py_object),
        )

        @_dl_phdr_callback
        def _info_callback(info, _size, data):
            libraries = data.contents.value
            name = os.fsdecode(info.contents.dlpi_name)
            libraries.append(name)
            return 0

        _dl_iterate_phdr = _libc["dl_iterate_phdr"]
        _dl_iterate_phdr.argtypes = [
            _dl_phdr_callback,
            ctypes.POINTER(ctypes.py_object),
        ]
        _dl_iterate_phdr.restype = ctypes.c_int

        def dllist():
            """Return a list of loaded shared libraries in the current process."""
            libraries = []
            _dl_iterate_phdr(_info_callback,
                             ctypes.byref(ctypes.py_object(libraries)))
            return libraries
"##,
        r##"# On platforms which provide dl_iterate_phdr(), dllist() is implemented
# in _ctypes.
try:
    from _ctypes import dllist
except ImportError:
    pass
"##,
    ),
    // Abstract test cases are no tests: their subclasses are.
    (
        "unittest/loader.py",
        r#"# what about .pyc (etc)
"#,
        r#"def _is_abstract(class_):
    return bool(getattr(class_, "__abstractmethods__", None))

# what about .pyc (etc)
"#,
    ),
    (
        "unittest/loader.py",
        r#"        if testCaseClass in (case.TestCase, case.FunctionTestCase):
"#,
        r#"        if testCaseClass in (case.TestCase, case.FunctionTestCase) or _is_abstract(testCaseClass):
"#,
    ),
    (
        "unittest/loader.py",
        r#"                and obj not in (case.TestCase, case.FunctionTestCase)
            ):
                tests"#,
        r#"                and obj not in (case.TestCase, case.FunctionTestCase)
                and not _is_abstract(obj)
            ):
                tests"#,
    ),
    (
        "unittest/loader.py",
        r#"            name = parts[-1]
            inst = parent(name)
"#,
        r#"            name = parts[-1]
            if _is_abstract(parent):
                raise TypeError(f"Cannot instantiate abstract test case {parent.__name__}")
            inst = parent(name)
"#,
    ),
    // Exit functions get what the stack of contexts gives them, self or not.
    (
        "unittest/mock.py",
        r#"    def _exit_side_effect(exctype, excinst, exctb):
"#,
        r#"    def _exit_side_effect(*_):
"#,
    ),
    (
        "unittest/mock.py",
        r#"    return_value = property(__get_return_value, __set_return_value,
                            __return_value_doc)
"#,
        r#"    return_value = property(__get_return_value, __set_return_value, doc=__return_value_doc)
"#,
    ),
    // `until` stays on its line although a breakpoint in a comprehension is on the same.
    (
        "bdb.py",
        r#"            lineno = frame.f_lineno + 1
        self._set_stopinfo(frame, frame, lineno)
"#,
        r#"            lineno = frame.f_lineno + 1
        here = frame.f_lineno
        self._set_stopinfo(frame, frame, lineno, cmdframe=frame, cmdlineno=here)
"#,
    ),
    // A debugger that is asked for while it handles an event is there already.
    (
        "bdb.py",
        r#"        if frame is None:
            frame = sys._getframe().f_back
        self.reset()
        with self.set_enterframe(frame):
"#,
        r#"        if frame is None:
            frame = sys._getframe().f_back
        self.reset()
        if self.enterframe:
            return
        with self.set_enterframe(frame):
"#,
    ),
    // Source that nests too deeply is no end of the interactive interpreter.
    (
        "_pyrepl/simple_interact.py",
        r#"    except (OverflowError, SyntaxError, ValueError):
        lines"#,
        r#"    except Exception:
        lines"#,
    ),
    (
        "_pyrepl/console.py",
        r#"        except (SyntaxError, OverflowError, ValueError):
"#,
        r#"        except Exception:
"#,
    ),
    (
        "_pyrepl/console.py",
        r#"            except (OverflowError, ValueError):
"#,
        r#"            except Exception:
"#,
    ),
    // Prompts are whatever `str` makes of them, unless that fails.
    (
        "_pyrepl/simple_interact.py",
        r#"def _more_lines("#,
        r#"def _prompt(name, usual):
    try:
        return str(getattr(sys, name, usual))
    except Exception:
        return usual


def _more_lines("#,
    ),
    (
        "_pyrepl/simple_interact.py",
        r#"            ps1 = getattr(sys, "ps1", ">>> ")
            ps2 = getattr(sys, "ps2", "... ")
"#,
        r#"            ps1, ps2 = _prompt("ps1", ">>> "), _prompt("ps2", "... ")
"#,
    ),
    // Colours end where the console does.
    (
        "_pyrepl/unix_console.py",
        r#"        self.__disable_bracketed_paste()
        self.__maybe_write_code(self._rmkx)
"#,
        r#"        self.__write("\x1b[0m")
        self.__disable_bracketed_paste()
        self.__maybe_write_code(self._rmkx)
"#,
    ),
    (
        "_pyrepl/unix_console.py",
        r#"        self.__write("\n\r")
        self.flushoutput()
"#,
        r#"        self.__write("\x1b[0m")
        self.__write("\n\r")
        self.flushoutput()
"#,
    ),
    // What runs while the console waits may print.
    (
        "_pyrepl/unix_console.py",
        r#"            return posix._inputhook
"#,
        r#"            return self.__call_hook

    def __call_hook(self):
        raw = tcgetattr(self.input_fd)
        printing = raw.copy()
        printing.oflag = self.__svtermstate.oflag
        self.__input_fd_set(printing)
        try:
            return posix._inputhook()
        finally:
            self.__input_fd_set(raw)
"#,
    ),
    // What `input` reads is not for the history of the interactive interpreter.
    (
        "_pyrepl/historical_reader.py",
        r#"    def prepare(self) -> None:
        super().prepare()
"#,
        r#"    @contextmanager
    def suspend_history_writes(self) -> SimpleContextManager:
        kept = list(self.history)
        try:
            yield
        finally:
            self.history[:] = kept

    def prepare(self) -> None:
        super().prepare()
"#,
    ),
    (
        "_pyrepl/readline.py",
        r#"        result = reader.readline(startup_hook=self.startup_hook)
        sys.audit("builtins.input/result", result)
"#,
        r#"        with reader.suspend_history_writes():
            result = reader.readline(startup_hook=self.startup_hook)
        sys.audit("builtins.input/result", result)
"#,
    ),
    // A pattern may begin with a sign.
    (
        "_pyrepl/utils.py",
        r#"            | TI(T.OP, string="(" | "*" | "[" | "{" | "~" | "...")
"#,
        r#"            | TI(T.OP, string="+" | "-" | "(" | "*" | "[" | "{" | "~" | "...")
"#,
    ),
];
