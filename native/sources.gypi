{
  "variables": {
    "core_files": [
      "core/address.cc",
      "core/creation.cc",
      "core/descriptors.cc",
      "core/epoll.cc",
      "core/kqueue.cc",
      "core/messages.cc",
      "core/poll.cc",
      "core/select.cc",
      "core/signals.cc",
      "core/sockets.cc",
      "core/time.cc"
    ],
    "binding_files": [
      "binding/addon.cc",
      "binding/address_calls.cc",
      "binding/arguments.cc",
      "binding/constants.cc",
      "binding/descriptor_calls.cc",
      "binding/descriptor_constants.cc",
      "binding/environment.cc",
      "binding/error_constants.cc",
      "binding/kqueue_constants.cc",
      "binding/link_constants.cc",
      "binding/message_calls.cc",
      "binding/readiness_calls.cc",
      "binding/signal_calls.cc",
      "binding/socket_calls.cc",
      "binding/socket_constants.cc",
      "binding/terminal_constants.cc",
      "binding/time_calls.cc",
      "binding/transfer_calls.cc",
      "binding/watch.cc"
    ]
  }
}
