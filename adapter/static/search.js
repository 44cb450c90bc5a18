// Completes what a shopper types in the search field: a combobox with a listbox, after the
// pattern "editable combobox with list autocomplete" of the ARIA Authoring Practices.
// Without this script the field is an ordinary one.
(() => {
  const input = document.getElementById('q')
  const address = input && input.dataset.suggest
  if (!address) return
  const wait = 150 // ms without a key before a request

  const list = document.createElement('ul')
  list.id = 'suggestions'
  list.className = 'suggestions'
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', input.dataset.list)
  list.hidden = true
  const status = document.createElement('p')
  status.className = 'hidden'
  status.setAttribute('role', 'status')
  input.form.append(list, status)

  input.type = 'text' // a combobox can't be a search field
  for (const [name, value] of Object.entries({
    role: 'combobox', inputmode: 'search', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': list.id,
  })) input.setAttribute(name, value)

  let active = -1 // the index of the option that Enter takes
  let timer = 0
  let request = null
  let shown = '' // what the options complete

  const isOpen = () => !list.hidden

  function close() {
    clearTimeout(timer)
    if (request) request.abort()
    request = null
    activate(-1)
    list.hidden = true
    input.setAttribute('aria-expanded', 'false')
  }

  function open() {
    list.hidden = false
    input.setAttribute('aria-expanded', 'true')
  }

  function activate(index) {
    if (active >= 0 && list.children[active]) list.children[active].setAttribute('aria-selected', 'false')
    active = index
    if (index < 0) {
      input.removeAttribute('aria-activedescendant')
      return
    }
    const option = list.children[index]
    option.setAttribute('aria-selected', 'true')
    option.scrollIntoView({ block: 'nearest' })
    input.setAttribute('aria-activedescendant', option.id)
  }

  function take(option) {
    input.value = option.dataset.text
    close()
    input.form.requestSubmit()
  }

  function show(typed, suggestions) {
    activate(-1)
    shown = typed
    list.replaceChildren(...suggestions.map((suggestion, index) => {
      const option = document.createElement('li')
      option.id = 'suggestion-' + index
      option.setAttribute('role', 'option')
      option.setAttribute('aria-selected', 'false')
      option.dataset.text = suggestion.text
      const words = document.createElement('bdi')
      words.textContent = suggestion.text
      option.append(words)
      if (suggestion.kind === 'author') {
        const kind = document.createElement('small')
        kind.textContent = input.dataset.author
        option.append(' ', kind)
      }
      return option
    }))
    const count = suggestions.length
    status.textContent = count === 0 ? input.dataset.none : count === 1 ? input.dataset.one : input.dataset.many.replace('%s', count)
    if (count > 0) open()
    else close()
  }

  async function suggest() {
    clearTimeout(timer)
    const typed = input.value.trim()
    if (request) request.abort()
    request = null
    if (!typed) {
      status.textContent = ''
      shown = ''
      list.replaceChildren()
      close()
      return
    }
    const mine = request = new AbortController()
    try {
      const answer = await fetch(address + '?' + new URLSearchParams({ q: typed }), { signal: mine.signal })
      const suggestions = answer.ok ? await answer.json() : []
      if (request === mine && document.activeElement === input) show(typed, suggestions)
    } catch {
      // Aborted, or the shop is away: the field still searches.
    }
  }

  function later() {
    clearTimeout(timer)
    timer = setTimeout(suggest, wait)
  }

  let composing = false
  input.addEventListener('compositionstart', () => {
    composing = true
    close()
  })
  input.addEventListener('compositionend', () => {
    composing = false
    later()
  })
  input.addEventListener('input', () => {
    activate(-1)
    if (!composing) later()
  })

  // Pressing twice is one search.
  let sent = -Infinity
  input.form.addEventListener('submit', (event) => {
    if (performance.now() - sent < 500) event.preventDefault()
    else sent = performance.now()
  })

  input.addEventListener('keydown', (event) => {
    if (event.isComposing || composing || event.keyCode === 229) { // the input method has this key
      if (event.key === 'Enter') event.preventDefault()
      return
    }
    if (event.ctrlKey || event.metaKey) return
    const count = list.children.length
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp': {
        event.preventDefault()
        const down = event.key === 'ArrowDown'
        if (event.altKey && !down) {
          close()
          return
        }
        if (count === 0 || shown !== input.value.trim()) {
          suggest()
          return
        }
        const closed = !isOpen()
        open()
        if (event.altKey) return
        if (closed || active < 0) activate(down ? 0 : count - 1)
        else activate((active + (down ? 1 : count - 1)) % count)
        return
      }
      case 'Enter':
        if (isOpen() && active >= 0) {
          event.preventDefault()
          take(list.children[active])
        } else close()
        return
      case 'Escape':
        if (isOpen()) {
          event.preventDefault()
          close()
        } else {
          input.value = ''
          suggest()
        }
        return
      case 'Tab':
        close()
        return
      case 'Home':
      case 'End': {
        const end = event.key === 'Home' ? 0 : input.value.length
        if (!event.shiftKey) {
          event.preventDefault()
          input.setSelectionRange(end, end)
        }
        activate(-1)
        return
      }
      case 'ArrowLeft':
      case 'ArrowRight':
        activate(-1)
    }
  })

  list.addEventListener('mousedown', (event) => event.preventDefault()) // the field keeps the focus
  list.addEventListener('click', (event) => {
    const option = event.target.closest('[role=option]')
    if (option) take(option)
  })
  input.addEventListener('blur', () => {
    composing = false
    close()
  })
  input.form.addEventListener('submit', (event) => {
    if (composing) event.preventDefault()
    else close()
  })
})()
